"""Silver's and Gold's empty tables, so that views answer before the first refresh. delta-rs creates them: no JVM."""

from lakehouse.cdc.table_store import TableStore
from lakehouse.contracts import CAPTURED
from lakehouse.gold.tables import GOLD, ON_DEMAND
from lakehouse.refresh.runs import RUNS


def create_tables(store: TableStore) -> None:
    """Create each table of Silver and Gold that is missing; add new columns to Gold's tables of an earlier version."""
    store.create_quarantine()
    for contract in CAPTURED:
        store.create_silver(contract)
    gold = {name: (columns, ()) for name, columns in {**GOLD, "runs": RUNS}.items()} | dict(ON_DEMAND)
    for name, (columns, partition_columns) in gold.items():
        store.create("gold", name, columns, partition_by=partition_columns)
        store.add_columns("gold", name, columns)
