"""Terminal report of a reconciliation: counts, keys and column names, never a value."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from lakehouse.contracts.company import RESNAPSHOT_HINT, RUN_REFRESH
from lakehouse.reconcile.table_comparison import TableResult

REMEDY = (
    f"Run {RUN_REFRESH} --rebuild-silver, which compares again. A table that still differs lost changes before they "
    f"reached Bronze, or has messages that Debezium did not write: {RESNAPSHOT_HINT}"
)


def print_report(results: Sequence[TableResult], suspect_lines: Sequence[str] = ()) -> None:
    """Print one line per table, then the differing keys, then the lines on suspect runs."""
    console = Console(highlight=False, markup=False, soft_wrap=True)
    table = Table("table", "rows in Postgres", "rows in Silver", "refused", "checksum")
    for result in results:
        numbers = ("", "", "") if result.error else map(str, (result.source_rows, result.silver_rows, result.refused))
        table.add_row(result.table, *numbers, _checksum(result))
    console.print(table)
    for line in (*describe(results), *suspect_lines):
        console.print(line)


def describe(results: Sequence[TableResult]) -> list[str]:
    """Return a line for each differing key with its table and columns, and one for those that are not listed."""
    lines = []
    for result in results:
        lines += [f"{result.table} {difference}" for difference in result.differences]
        if (unlisted := result.differing_bucket_count - len(result.differences)) > 0:
            lines.append(f"{result.table}: at least {unlisted} more keys differ")
    return lines


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
