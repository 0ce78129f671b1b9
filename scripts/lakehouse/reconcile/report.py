"""What a reconciliation says on the terminal: counts, keys and the names of columns, and no value of anybody."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from lakehouse.cdc.source import READ_ANEW
from lakehouse.reconcile.reconcile import Compared

REMEDY = (
    "Run batch_refresh_silver_gold.py --rebuild and compare again. A table that still differs lost changes before "
    "Bronze: "
) + READ_ANEW


def show(found: Sequence[Compared]) -> None:
    """Print a line a table, then what differs."""
    console = Console(highlight=False, markup=False, soft_wrap=True)
    table = Table("table", "rows in Postgres", "rows in Silver", "refused", "checksum")
    for one in found:
        numbers = ("", "", "") if one.error else map(str, (one.source_rows, one.silver_rows, one.refused))
        table.add_row(one.table, *numbers, _checksum(one))
    console.print(table)
    for one in found:
        for difference in one.differences:
            console.print(f"{one.table} {difference}")
        if one.buckets > len(one.differences):
            console.print(f"{one.table}: at least {one.buckets - len(one.differences)} keys more differ")


def verdict(found: Sequence[Compared]) -> str | None:
    """Give what is to be done, None where all is equal."""
    others = [one.table for one in found if one.buckets]
    says = [str(one.error) for one in found if one.error]
    if others:
        says.append(f"Silver differs from Postgres in {', '.join(others)}. {REMEDY}")
    return "\n".join(says) or None


def _checksum(one: Compared) -> str:
    if one.error:
        return "not compared"
    return "equal" if one.equal else "differs"
