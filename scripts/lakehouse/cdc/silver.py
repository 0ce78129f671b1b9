"""Silver: the table as it is now, brought up to a cut of Bronze by what is new since the last time.

Three tables are written, each so that doing it again changes nothing: quarantine, the current rows, and last the
versions, whose offsets say how far Silver has come. Killed in between, the next run does the same batch again.
"""

from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.cdc import quarantine, tables
from lakehouse.cdc.changes import net, read
from lakehouse.cdc.completion import completed, computed, needs_more
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.envelope import DELETE
from lakehouse.cdc.examine import Facts, examine
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.positions import Positions, behind, reached
from lakehouse.cdc.stale import come_late, told_before

MANY = 20_000  # changes at once


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
    if behind(seen, cut) > MANY:
        lake = lake.in_bulk()
    changes = computed(read(lake.messages(contract, seen, cut), contract))
    facts = examine(changes, contract)
    came = facts.changes
    if _may_be_old(lake, contract, facts):
        # What is sent again has its old place in Postgres's log; files of before it are not read.
        may_be_same = lake.versions(contract).where(F.col("_lsn") >= (facts.lowest or 0))
        changes = computed(told_before(changes, may_be_same, contract))
        if len({*seen, *cut}) > 1 and come_late(changes, lake.versions(contract), contract):
            # What was written since then may build on it: a value left out, a row swept away.
            start_over(lake, contract)
            return catch_up(lake, contract, cut)
        facts = examine(changes, contract)
    if needs_more(facts, begun=bool(seen)):
        changes = completed(changes, facts, lake.versions(contract), contract)
        facts = examine(changes, contract)
    _write(lake, contract, changes, facts, seen)
    return Caught(contract.table, came, facts.refused)


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


def _may_be_old(lake: Lake, contract: Contract, facts: Facts) -> bool:
    """Say whether a batch reaches back behind what was merged: sent again after a crash, or late in another lane."""
    latest = lake.catalog.latest_commit(contract)
    return latest is not None and facts.earliest is not None and facts.earliest <= latest


def _write(lake: Lake, contract: Contract, changes: DataFrame, facts: Facts, seen: Positions) -> None:
    if facts.refused:
        quarantine.record(lake, contract, quarantine.entries(changes, contract))
    quarantine.close(lake, contract, quarantine.closings(changes, contract), seen)
    settled = net(changes, contract)
    if _all_new(lake, contract, facts):
        lake.append(settled.where(F.col("_op") != DELETE), "silver", contract.table)
    else:
        _merge(lake, contract, computed(settled))
    lake.append(changes.select(*tables.versions(contract)), "silver", f"{contract.table}_versions")


def _all_new(lake: Lake, contract: Contract, facts: Facts) -> bool:
    """Say whether the log alone tells that none of the batch's keys is there, and so nothing is to be merged into."""
    only_inserts = facts.inserts == facts.changes
    return lake.catalog.is_empty("silver", contract.table) or (
        only_inserts and not lake.catalog.may_hold(contract, facts.first_key, facts.last_key)
    )


def _merge(lake: Lake, contract: Contract, settled: DataFrame) -> None:
    """Put the last of each key; whatever a batch holds came after all that was merged before."""
    same = " AND ".join(f"t.`{name}` = s.`{name}`" for name in contract.key)
    delete = F.col("s._op") == DELETE
    (
        lake.table("silver", contract.table)
        .alias("t")
        .merge(settled.alias("s"), same)
        .whenMatchedDelete(delete)
        .whenMatchedUpdateAll()
        .whenNotMatchedInsertAll(~delete)
        .execute()
    )
