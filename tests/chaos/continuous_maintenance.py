"""Run maintenance beside the stream all the time: -m chaos.continuous_maintenance. SIGTERM ends it.

Each pass compacts, checkpoints and vacuums every table that changed since, and cleans its log, as maintain.py does.
Rewritten tables need the turn that a refresh holds; they are left out while it is held.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from random import uniform

from deltalake import DeltaTable

from lakehouse import logs
from lakehouse.cdc.catalog import Catalog
from lakehouse.cdc.maintenance import DEFAULT_RETENTION, MaintenanceResult
from lakehouse.contracts import CAPTURED
from lakehouse.errors import LakehouseError, run
from lakehouse.refresh.maintain_tables import APPEND_ONLY_TABLES, REWRITTEN_TABLES, TableName, maintain_tables
from lakehouse.retries import StopSignal, first_line
from lakehouse.settings import Settings
from lakehouse.source.lease import Lease
from lakehouse.source.refresh_lock import exclusive_refresh

# Seconds between two passes, at random. A pass that followed each append at once was over long before the next one,
# and the two never met.
PASS_INTERVAL = (0.0, 4.0)
LOCKED_PASS_INTERVAL, LOCK_RETRY_INTERVAL = (
    15.0,
    2.0,
)  # seconds between two turns; until one that was held is asked for again
# Smaller than maintain.py's: each pass would write the whole of Bronze again, and the small disk would be full.
TARGET_BYTES = 128 * 1024


@dataclass
class Maintenance:
    """What is maintained, and each table's version when it last was."""

    settings: Settings
    catalog: Catalog
    next_locked_pass_at: float
    versions: dict[TableName, int] = field(default_factory=dict)

    def maintain(self) -> None:
        """Maintain the appended tables, and, now and then, the rewritten ones where no refresh has its turn."""
        self._maintain_each(APPEND_ONLY_TABLES)
        if time.monotonic() > self.next_locked_pass_at:
            self.next_locked_pass_at = time.monotonic() + LOCK_RETRY_INTERVAL
            with exclusive_refresh(self.settings, self.catalog, CAPTURED, 0) as ensure_lock_held:
                self._maintain_each(REWRITTEN_TABLES, ensure_lock_held)
            self.next_locked_pass_at = time.monotonic() + LOCKED_PASS_INTERVAL

    def _maintain_each(self, tables: Iterable[TableName], pre_commit_check: Callable[[], None] = lambda: None) -> None:
        """Maintain each of the tables that changed since its last time, and print what became of its files."""
        for table in tables:
            if self.catalog.exists(*table) and self._version(table) != self.versions.get(table):
                for name, result in maintain_tables(
                    self.catalog, [table], DEFAULT_RETENTION, TARGET_BYTES, pre_commit_check
                ):
                    _log(name, _format_result(result))
                self.versions[table] = self._version(table)

    def _version(self, table: TableName) -> int:
        return DeltaTable(self.catalog.path(*table)).version()


def main() -> None:
    settings, stop = Settings(), StopSignal().on_sigterm()
    logs.configure(settings.log_format)
    maintenance = Maintenance(
        settings, Catalog(settings.lake), next_locked_pass_at=time.monotonic() + LOCKED_PASS_INTERVAL
    )
    with closing(Lease(settings, "maintenance")) as lease:
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
    """Print what is out of reach just now, a lease that another has or Postgres, and go on."""
    try:
        yield
    except LakehouseError as error:
        _log("left out", first_line(error))


def _log(subject: str, text: str) -> None:
    print(f"{time.strftime('%H:%M:%S', time.gmtime())} {subject}: {text}", flush=True)


if __name__ == "__main__":
    run(main)
