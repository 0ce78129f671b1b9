"""Upkeep of all the lake's tables: those that are only appended to at any time, those that are rewritten in a turn."""

import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta

from rich.console import Console
from rich.table import Table

from lakehouse.cdc.catalog import Catalog
from lakehouse.cdc.upkeep import Kept, keep
from lakehouse.contracts import CAPTURED
from lakehouse.errors import LakehouseError
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
) -> Iterator[tuple[str, Kept | LakehouseError]]:
    """Yield what was done to each of the tables that are there, as it is done; files grow up to `size` bytes.

    A table that could not be maintained yields its error, and keeps none of the others from it.
    """
    for layer, name in tables:
        if catalog.exists(layer, name):
            may_commit()
            try:
                done: Kept | LakehouseError = keep(catalog.path(layer, name), retention, size)
            except LakehouseError as error:
                done = error
            yield f"{layer}/{name}", done


def show(done: Iterable[tuple[str, Kept | LakehouseError]]) -> int:
    """Print a line a table, and the errors behind them; return the exit code: 1 where there are any."""
    table, errors = Table("table", "files before", "after", "removed from disk", ""), []
    for name, one in done:
        if isinstance(one, LakehouseError):
            errors.append(one)
            continue
        numbers = map(str, (one.files_before, one.files_after, one.removed))
        table.add_row(name, *numbers, "a writer was quicker: next time" if one.disturbed else "")
    Console().print(table)
    for error in errors:
        print(f"error: {error}", file=sys.stderr)
    return 1 if errors else 0
