"""Copies of a lake that several tests begin with: its first refresh takes 20 s beside other tests, a copy none."""

import shutil
from pathlib import Path

from lakehouse.cdc.lake import Lake
from lakehouse.cdc.table_store import TableStore
from support.memory_ledger import MemoryLedger


def copy_lake(lake: Lake, root: Path) -> Lake:
    """Return a copy of the lake in an existing folder, with a copy of its ledger where it has one."""
    shutil.copytree(lake.store.root, root, dirs_exist_ok=True)
    ledger = lake.store.ledger
    return Lake(lake.spark, TableStore(str(root), ledger.copy() if isinstance(ledger, MemoryLedger) else None))
