"""A model: one figure, declared once beside its function. Tables, views' twins, totals and checks follow from it."""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.cdc import commit_log
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.table_store import TableStore
from lakehouse.contracts import REWARD_RULES
from lakehouse.gold.affected import AffectedEmployees
from lakehouse.gold.as_of_columns import AS_OF_COLUMNS, AS_OF_SUFFIX
from lakehouse.gold.code_version import code_version
from lakehouse.gold.provenance import Provenance
from lakehouse.gold.rules import RuleBook

Schema = Mapping[str, str]  # column names and Spark SQL types
Inputs = Mapping[str, DataFrame]  # Silver's tables by name, the declared ones only
Compute = Callable[[Inputs, RuleBook, date], DataFrame]
IncrementalUpdate = Callable[[DataFrame, AffectedEmployees, RuleBook], DataFrame]


def rules_and_day(book: RuleBook, day: date) -> Mapping[str, Any]:
    """Return all that a figure can depend on beside its inputs: it is then recomputed once a day."""
    return {"rules": asdict(book), "day": day}


@dataclass(frozen=True)
class Model:
    """A Gold table: its schema, its function of Silver's tables, the rules and the day, and what else it has.

    `compute` returns at least the schema's columns. `parameters` are the parts of rules and day that its rows depend
    on, the rules under the name "rules". `incremental` computes the rows from the table's current rows and the affected
    employees. It applies where only Silver changed or the day advanced; None means always a full recompute.
    A model with `has_as_of_table` is also computed as of a day, from the inputs as they were; its view has a twin.
    `totals` names its totals in gold.runs: by view, columns of the row 'Total'.
    """

    name: str
    schema: Schema
    inputs: tuple[str, ...]
    compute: Compute
    parameters: Callable[[RuleBook, date], Mapping[str, Any]] = rules_and_day
    incremental: IncrementalUpdate | None = None
    has_as_of_table: bool = False
    totals: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def reads_any(self, tables: Collection[str], book: RuleBook, day: date) -> bool:
        """Return whether the figure is computed from any of these tables, the reward rules included."""
        needs_rules = "rules" in self.parameters(book, day)
        return not {*self.inputs, *([REWARD_RULES.table] if needs_rules else [])}.isdisjoint(tables)

    def rows(self, tables: Inputs, book: RuleBook, day: date) -> DataFrame:
        """Return the figure's rows, computed from the inputs among these tables."""
        return conform(self.compute({name: tables[name] for name in self.inputs}, book, day), self.schema)

    def current_rows(self, lake: Lake, book: RuleBook, day: date) -> DataFrame:
        """Return the figure's rows, computed from Silver's current rows."""
        return self.rows({name: lake.read("silver", name) for name in self.inputs}, book, day)

    @property
    def as_of_name(self) -> str:
        """The name of the table as of a day."""
        return f"{self.name}{AS_OF_SUFFIX}"

    @property
    def as_of_schema(self) -> Schema:
        """The schema of the table as of a day."""
        return {**AS_OF_COLUMNS, **self.schema}

    def provenance(self, store: TableStore, book: RuleBook, day: date) -> Provenance:
        """Return the current versions of the inputs, parameters and code; equal provenance means equal rows."""
        versions = {name: commit_log.last_data_version(store, "silver", name) for name in self.inputs}
        ids = {name: store.table_id("silver", name) for name in self.inputs}
        parameters = json.dumps({**self.parameters(book, day), "tables": ids}, default=str, sort_keys=True)
        return Provenance(versions, day.isoformat() if self.incremental else "", parameters, code_version())


def conform(frame: DataFrame, schema: Schema) -> DataFrame:
    """Return exactly these columns, in this order, cast to these types."""
    return frame.select(*(F.col(name).cast(sql_type).alias(name) for name, sql_type in schema.items()))
