"""Silver's and Gold's empty tables, so that views answer before the first refresh. delta-rs creates them: no JVM."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lakehouse.cdc.table_store import TableStore
from lakehouse.contracts import CAPTURED
from lakehouse.gold.as_of_columns import AS_OF_COLUMNS
from lakehouse.gold.model import Model, Schema
from lakehouse.gold.models import MODELS
from lakehouse.refresh.runs import RUNS
from lakehouse.refresh.scenarios import SCENARIOS


@dataclass(frozen=True)
class GoldTable:
    """A table's schema, and the columns that identify the rows which a run replaces: none where it replaces all."""

    schema: Schema
    partition_columns: Sequence[str] = ()


def gold_tables(models: Sequence[Model] = MODELS) -> Mapping[str, GoldTable]:
    """Return every table of Gold by its name: the models', those as of a day, the scenarios and the run journal."""
    return {
        **{model.name: GoldTable(model.schema) for model in models},
        **{
            model.as_of_name: GoldTable(model.as_of_schema, tuple(AS_OF_COLUMNS))
            for model in models
            if model.has_as_of_table
        },
        "scenarios": GoldTable(SCENARIOS, ("scenario",)),
        "runs": GoldTable(RUNS),
    }


def refreshed_tables() -> tuple[tuple[str, str], ...]:
    """Return every table that a refresh writes, as (layer, name)."""
    return (
        *(("silver", contract.table) for contract in CAPTURED),
        *(("silver", f"{contract.table}_versions") for contract in CAPTURED),
        ("silver", "quarantine"),
        *(("gold", name) for name in gold_tables()),
    )


def create_tables(store: TableStore, models: Sequence[Model] = MODELS) -> None:
    """Create each table of Silver and Gold that is missing; add new columns to Gold's tables of an earlier version."""
    store.create_quarantine()
    for contract in CAPTURED:
        store.create_silver(contract)
    for name, table in gold_tables(models).items():
        store.create("gold", name, table.schema, partition_by=table.partition_columns)
        store.add_columns("gold", name, table.schema)
