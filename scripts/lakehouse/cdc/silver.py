"""Silver: the table as it is now, brought up to a cut of Bronze by what is new since the last time.

Three tables are written, each so that doing it again changes nothing: quarantine, the current rows, and last the
versions, whose offsets say how far Silver has come. Killed in between, the next run does the same batch again.
"""

from dataclasses import dataclass

from pyspark import StorageLevel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.cdc import quarantine, tables
from lakehouse.cdc.changes import carry_unchanged, expand_truncates, judge, net
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.envelope import DELETE, decode
from lakehouse.cdc.examine import Facts, examine
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.order import later
from lakehouse.cdc.positions import Positions, reached


@dataclass(frozen=True)
class Caught:
    """What a catch-up took in: changes read, and how many of them were refused."""

    table: str
    changes: int = 0
    refused: int = 0


def catch_up(lake: Lake, contract: Contract, cut: Positions) -> Caught:
    """Bring Silver up to the cut, reading only what lies between where it stands and there.

    Raises SchemaMismatch, before anything is written, where the table no longer fits its contract.
    """
    if not lake.catalog.has_columns("silver", f"{contract.table}_versions", tables.versions(contract)):
        start_over(lake, contract)
    seen = lake.catalog.merged(contract)
    if reached(seen, cut):
        return Caught(contract.table)
    changes = _computed(judge(decode(lake.messages(contract, seen, cut), contract), contract))
    facts = examine(changes, contract)
    _write(lake, contract, _whole(lake, contract, changes, facts), facts)
    return Caught(contract.table, facts.changes, facts.refused)


def start_over(lake: Lake, contract: Contract) -> None:
    """Empty the table's Silver, so that the next catch-up reads all of Bronze.

    The versions lose the contract's columns first and get them back last: killed in between, the next catch-up
    finds them missing and starts over again.
    """
    history = f"{contract.table}_versions"
    lake.empty("silver", history, tables.ORIGIN)
    quarantine.forget(lake, contract)
    lake.empty("silver", contract.table, tables.silver(contract))
    lake.empty("silver", history, tables.versions(contract))


def _whole(lake: Lake, contract: Contract, changes: DataFrame, facts: Facts) -> DataFrame:
    """Give the changes with what they left out filled in, and each TRUNCATE as deletes."""
    whole = changes
    if facts.incomplete:
        keys = changes.where(F.size("_unchanged") > 0).select(*contract.key).distinct()
        previous = lake.versions(contract).join(F.broadcast(keys), [*contract.key], "semi")
        whole = judge(carry_unchanged(changes, previous, contract), contract)
    if facts.truncated:
        whole = expand_truncates(whole, lake.versions(contract), contract)
    return whole


def _write(lake: Lake, contract: Contract, changes: DataFrame, facts: Facts) -> None:
    if facts.refused or facts.incomplete:
        quarantine.record(lake, contract, changes.where(F.size("_reasons") > 0))
    settled = _computed(net(changes, contract))
    quarantine.close(lake, contract, settled)
    if lake.catalog.is_empty("silver", contract.table):
        lake.append(settled.where(F.col("_op") != DELETE), "silver", contract.table)
    else:
        _merge(lake, contract, settled)
    lake.append(changes.select(*tables.versions(contract)), "silver", f"{contract.table}_versions")


def _merge(lake: Lake, contract: Contract, settled: DataFrame) -> None:
    same = " AND ".join(f"t.`{name}` = s.`{name}`" for name in contract.key)
    delete = F.col("s._op") == DELETE
    (
        lake.table("silver", contract.table)
        .alias("t")
        .merge(settled.alias("s"), same)
        .whenMatchedDelete(later("s._", "t._") & delete)
        .whenMatchedUpdateAll(later("s._", "t._"))
        .whenNotMatchedInsertAll(~delete)
        .execute()
    )


def _computed(rows: DataFrame) -> DataFrame:
    """Give the rows, computed now and kept on disk where memory ends, with nothing left to plan.

    A cached plan would be compared with every plan that reads it, which here takes longer than the reading.
    """
    return rows.localCheckpoint(eager=True, storageLevel=StorageLevel.MEMORY_AND_DISK)
