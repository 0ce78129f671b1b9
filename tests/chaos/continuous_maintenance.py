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
from lakehouse.cdc.upkeep import WEEK, Kept
from lakehouse.contracts import CAPTURED
from lakehouse.errors import LakehouseError, run
from lakehouse.gold.upkeep import APPENDED, REWRITTEN, Named, keep_each
from lakehouse.settings import Settings
from lakehouse.source.lease import Lease
from lakehouse.source.turn import turn
from lakehouse.waiting import Stop, first_line

# Seconds between two passes, at random. A pass that followed each append at once was over long before the next one,
# and the two never met.
PAUSE = (0.0, 4.0)
TURN_INTERVAL, TURN_RETRY = 15.0, 2.0  # seconds between two turns; until one that was held is asked for again
# Smaller than maintain.py's: each pass would write the whole of Bronze again, and the small disk would be full.
TARGET_BYTES = 128 * 1024


@dataclass
class Maintenance:
    """What is maintained, and each table's version when it last was."""

    settings: Settings
    catalog: Catalog
    turn_at: float
    versions: dict[Named, int] = field(default_factory=dict)

    def maintain(self) -> None:
        """Maintain the appended tables, and, now and then, the rewritten ones where no refresh has its turn."""
        self._maintain_each(APPENDED)
        if time.monotonic() > self.turn_at:
            self.turn_at = time.monotonic() + TURN_RETRY
            with turn(self.settings, self.catalog, CAPTURED, 0) as still_mine:
                self._maintain_each(REWRITTEN, still_mine)
            self.turn_at = time.monotonic() + TURN_INTERVAL

    def _maintain_each(self, tables: Iterable[Named], may_commit: Callable[[], None] = lambda: None) -> None:
        """Maintain each of the tables that changed since its last time, and print what became of its files."""
        for table in tables:
            if self.catalog.exists(*table) and self._version(table) != self.versions.get(table):
                for name, done in keep_each(self.catalog, [table], WEEK, TARGET_BYTES, may_commit):
                    _log(name, _result(done))
                self.versions[table] = self._version(table)

    def _version(self, table: Named) -> int:
        return DeltaTable(self.catalog.path(*table)).version()


def main() -> None:
    settings, stop = Settings(), Stop().on_sigterm()
    logs.configure(settings.log_format)
    maintenance = Maintenance(settings, Catalog(settings.lake), turn_at=time.monotonic() + TURN_INTERVAL)
    with closing(Lease(settings, "maintenance")) as lease:
        while not stop.wait(uniform(*PAUSE)):
            with _log_errors():
                lease.hold()
                maintenance.maintain()


def _result(done: Kept | LakehouseError) -> str:
    if isinstance(done, LakehouseError):
        return first_line(done)
    return "conflicted" if done.disturbed else f"{done.files_before} files into {done.files_after}"


@contextmanager
def _log_errors() -> Iterator[None]:
    """Print what is out of reach just now, a lease that another has or Postgres, and go on."""
    try:
        yield
    except LakehouseError as error:
        _log("left out", first_line(error))


def _log(what: str, text: str) -> None:
    print(f"{time.strftime('%H:%M:%S', time.gmtime())} {what}: {text}", flush=True)


if __name__ == "__main__":
    run(main)
