"""Upkeep of all the lake's tables: those that are only appended to at any time, those that are rewritten in a turn."""

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta

from rich.console import Console
from rich.table import Table

from lakehouse.cdc.catalog import Catalog
from lakehouse.cdc.upkeep import Kept, keep
from lakehouse.contracts import CAPTURED
from lakehouse.gold.tables import ASKED, GOLD

Named = tuple[str, str]
# The stream and refreshes add to these, whom putting files together does not disturb.
APPENDED: tuple[Named, ...] = (
    *(("bronze", contract.table) for contract in CAPTURED),
    *(("silver", f"{contract.table}_versions") for contract in CAPTURED),
)
# A refresh takes away from these what it puts anew.
REWRITTEN: tuple[Named, ...] = (
    *(("silver", contract.table) for contract in CAPTURED),
    ("silver", "quarantine"),
    *(("gold", name) for name in (*GOLD, *ASKED, "runs")),
)


def keep_each(
    catalog: Catalog,
    tables: Iterable[Named],
    retention: timedelta,
    size: int,
    may_commit: Callable[[], None] = lambda: None,
) -> Iterator[tuple[str, Kept]]:
    """Give what was done to each of the tables that are there, as it is done; files grow up to `size` bytes."""
    for layer, name in tables:
        if catalog.exists(layer, name):
            may_commit()
            yield f"{layer}/{name}", keep(catalog.path(layer, name), retention, size)


def show(done: Iterable[tuple[str, Kept]]) -> None:
    """Print a line a table."""
    table = Table("table", "files before", "after", "removed from disk", "")
    for name, one in done:
        numbers = map(str, (one.files_before, one.files_after, one.removed))
        table.add_row(name, *numbers, "a writer was quicker: next time" if one.disturbed else "")
    Console().print(table)
