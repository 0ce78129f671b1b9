"""Compaction and vacuum of the lake's tables: append-only ones at any time, rewritten ones under the refresh lock."""

import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from functools import partial

from rich.console import Console
from rich.table import Table

from lakehouse.cdc.foreign_commits import check_table
from lakehouse.cdc.maintenance import MaintenanceResult, compact_and_vacuum
from lakehouse.cdc.table_store import TableStore
from lakehouse.contracts import CAPTURED
from lakehouse.errors import LakehouseError
from lakehouse.refresh.table_setup import gold_tables

TableName = tuple[str, str]
# The stream and refreshes only append to these, and appends do not conflict with compaction.
APPEND_ONLY_TABLES: tuple[TableName, ...] = (
    *(("bronze", contract.table) for contract in CAPTURED),
    *(("silver", f"{contract.table}_versions") for contract in CAPTURED),
)
# A refresh removes files of these, which conflicts with compaction.
REWRITTEN_TABLES: tuple[TableName, ...] = (
    *(("silver", contract.table) for contract in CAPTURED),
    ("silver", "quarantine"),
    *(("gold", name) for name in gold_tables()),
)


def maintain_tables(
    store: TableStore,
    tables: Iterable[TableName],
    retention: timedelta,
    target_bytes: int,
    pre_commit_check: Callable[[], None] = lambda: None,
) -> Iterator[tuple[str, MaintenanceResult | LakehouseError]]:
    """Compact and vacuum each existing table and yield its name with the result.

    Files grow up to `target_bytes`. A table that fails yields its error, and the next one goes on. `pre_commit_check`
    runs before each table and raises to stop.
    """
    for layer, name in tables:
        if store.exists(layer, name):
            pre_commit_check()
            try:
                result: MaintenanceResult | LakehouseError = compact_and_vacuum(
                    store.path(layer, name),
                    retention,
                    target_bytes,
                    begin_commit=partial(store.begin_commit, layer, name),
                    before_cleanup=partial(check_table, store, layer, name),
                )
            except LakehouseError as error:
                result = error
            yield f"{layer}/{name}", result


def show(results: Iterable[tuple[str, MaintenanceResult | LakehouseError]]) -> int:
    """Print one line per table, then the errors to stderr; return the exit code, 1 where there are errors."""
    table, errors = Table("table", "files before", "after", "removed from disk", ""), []
    for name, result in results:
        if isinstance(result, LakehouseError):
            errors.append(result)
            continue
        numbers = map(str, (result.files_before, result.files_after, result.files_removed))
        table.add_row(name, *numbers, "skipped: concurrent write, retried next run" if result.conflicted else "")
    Console().print(table)
    for error in errors:
        print(f"error: {error}", file=sys.stderr)
    return 1 if errors else 0
