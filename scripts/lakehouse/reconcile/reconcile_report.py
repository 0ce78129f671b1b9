"""Terminal report of a reconciliation: counts, keys and column names, never a value."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from lakehouse.contracts.company import RESNAPSHOT_HINT, RUN_REFRESH
from lakehouse.reconcile.reconcile import TableResult

REMEDY = (
    f"Run {RUN_REFRESH} --rebuild-silver, and compare again. "
    f"A table that still differs lost changes before they reached Bronze: {RESNAPSHOT_HINT}"
)


def print_report(results: Sequence[TableResult]) -> None:
    """Print one line per table, then the differing keys."""
    console = Console(highlight=False, markup=False, soft_wrap=True)
    table = Table("table", "rows in Postgres", "rows in Silver", "refused", "checksum")
    for result in results:
        numbers = ("", "", "") if result.error else map(str, (result.source_rows, result.silver_rows, result.refused))
        table.add_row(result.table, *numbers, _checksum(result))
    console.print(table)
    for result in results:
        for difference in result.differences:
            console.print(f"{result.table} {difference}")
        if result.differing_bucket_count > len(result.differences):
            console.print(
                f"{result.table}: at least {result.differing_bucket_count - len(result.differences)} more keys differ"
            )


def verdict(results: Sequence[TableResult]) -> str | None:
    """Return the errors and the remedies as one text; None where all tables are equal and each offset is there once."""
    differing_tables = [result.table for result in results if result.differing_bucket_count]
    messages = [str(result.error) for result in results if result.error]
    messages += [str(problem) for result in results for problem in result.offset_problems]
    if differing_tables:
        messages.append(f"Silver differs from Postgres in {', '.join(differing_tables)}. {REMEDY}")
    return "\n".join(messages) or None


def _checksum(result: TableResult) -> str:
    if result.error:
        return "not compared"
    return "equal" if result.is_equal else "differs"
