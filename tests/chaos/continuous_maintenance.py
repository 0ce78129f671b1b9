"""Run maintenance concurrently with the stream until SIGTERM: -m chaos.continuous_maintenance.

Like maintain.py, a pass compacts, checkpoints and vacuums each table that changed, and cleans its log.
Rewritten tables need the lock that a refresh takes; a pass skips them while that lock is taken.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from random import uniform

from deltalake import DeltaTable

from lakehouse import logs
from lakehouse.cdc.maintenance import DEFAULT_RETENTION, MaintenanceResult
from lakehouse.cdc.table_store import TableStore
from lakehouse.contracts import CAPTURED
from lakehouse.errors import LakehouseError, run
from lakehouse.refresh.maintain_tables import APPEND_ONLY_TABLES, REWRITTEN_TABLES, TableName, maintain_tables
from lakehouse.refresh.table_setup import refreshed_tables
from lakehouse.retries import StopSignal, first_line
from lakehouse.settings import Settings
from lakehouse.source.commit_ledger import writable_store
from lakehouse.source.lease import Lease
from lakehouse.source.refresh_lock import exclusive_refresh

# Seconds between two passes, at random. A pass right after each append ended long before the next append, so the
# two never ran at the same time.
PASS_INTERVAL = (0.0, 4.0)
LOCKED_PASS_INTERVAL = 15.0  # seconds between two passes over the rewritten tables
LOCK_RETRY_INTERVAL = 2.0  # seconds until the next attempt where the lock was taken
# Smaller than maintain.py's: each pass would rewrite all of Bronze and fill the small disk.
TARGET_BYTES = 128 * 1024


@dataclass
class Maintenance:
    """The state of continuous maintenance: each table's version after its last pass."""

    settings: Settings
    store: TableStore
    next_locked_pass_at: float
    versions: dict[TableName, int] = field(default_factory=dict)

    def maintain(self) -> None:
        """Maintain the append-only tables, and, every 15 s, the rewritten ones.

        Raises LakehouseError where a refresh has the lock; the rewritten tables are then tried again after 2 s.
        """
        self._maintain_each(APPEND_ONLY_TABLES)
        if time.monotonic() > self.next_locked_pass_at:
            self.next_locked_pass_at = time.monotonic() + LOCK_RETRY_INTERVAL
            with exclusive_refresh(self.settings, self.store, CAPTURED, refreshed_tables(), 0) as lock:
                self._maintain_each(REWRITTEN_TABLES, lock.ensure_held)
            self.next_locked_pass_at = time.monotonic() + LOCKED_PASS_INTERVAL

    def _maintain_each(self, tables: Iterable[TableName], pre_commit_check: Callable[[], None] = lambda: None) -> None:
        """Maintain each table whose version changed since its last pass, and print its file counts."""
        for table in tables:
            if self.store.exists(*table) and self._version(table) != self.versions.get(table):
                for name, result in maintain_tables(
                    self.store, [table], DEFAULT_RETENTION, TARGET_BYTES, pre_commit_check
                ):
                    _log(name, _format_result(result))
                self.versions[table] = self._version(table)

    def _version(self, table: TableName) -> int:
        return DeltaTable(self.store.path(*table)).version()


def main() -> None:
    settings, stop = Settings(), StopSignal().on_sigterm()
    logs.configure(settings.log_format)
    with closing(Lease(settings, "maintenance")) as lease, writable_store(settings, "maintenance") as store:
        maintenance = Maintenance(settings, store, next_locked_pass_at=time.monotonic() + LOCKED_PASS_INTERVAL)
        while not stop.wait(uniform(*PASS_INTERVAL)):
            with _log_errors():
                lease.acquire()
                maintenance.maintain()


def _format_result(result: MaintenanceResult | LakehouseError) -> str:
    if isinstance(result, LakehouseError):
        return first_line(result)
    return "conflicted" if result.conflicted else f"{result.files_before} files into {result.files_after}"


@contextmanager
def _log_errors() -> Iterator[None]:
    """Print a LakehouseError, such as a lease that is taken or Postgres being down, and continue."""
    try:
        yield
    except LakehouseError as error:
        _log("maintenance_skipped", first_line(error))


def _log(subject: str, text: str) -> None:
    print(f"{time.strftime('%H:%M:%S', time.gmtime())} {subject}: {text}", flush=True)


if __name__ == "__main__":
    run(main)
