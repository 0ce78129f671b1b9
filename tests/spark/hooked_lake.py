"""A lake that calls a function before each write, which may fail there or write to the table first."""

from collections.abc import Callable
from dataclasses import dataclass, field

from delta.tables import DeltaTable
from pyspark.sql import DataFrame

from lakehouse.cdc.lake import Lake


@dataclass(frozen=True)
class HookedLake(Lake):
    """A lake that calls `before_write` with the table, such as "silver/shoes", before it writes to it."""

    before_write: Callable[[str], None] = field(default=lambda _: None)

    def append(self, rows: DataFrame, layer: str, name: str, **options: str) -> str:
        self.before_write(f"{layer}/{name}")
        return super().append(rows, layer, name, **options)

    def overwrite(self, rows: DataFrame, layer: str, name: str, *, provenance: str = "") -> None:
        self.before_write(f"{layer}/{name}")
        super().overwrite(rows, layer, name, provenance=provenance)

    def overwrite_where(self, rows: DataFrame, layer: str, name: str, predicate: str, **options: str) -> None:
        self.before_write(f"{layer}/{name}")
        super().overwrite_where(rows, layer, name, predicate, **options)

    def table(self, layer: str, name: str) -> DeltaTable:
        self.before_write(f"{layer}/{name}")
        return super().table(layer, name)


def failing_before(lake: Lake, table: str, error: type[BaseException] = KeyboardInterrupt) -> HookedLake:
    """Return the lake, in which each write to one table raises the error; by default it ends a run like a kill."""

    def fail(written: str) -> None:
        if written == table:
            raise error(f"before a write to {table}")

    return HookedLake(lake.spark, lake.store, lake.pre_commit_check, before_write=fail)
