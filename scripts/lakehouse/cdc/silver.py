"""Silver: the table as it is now, brought up to a cut of Bronze by what is new since the last time.

Three tables are written, each so that doing it again changes nothing: quarantine, the current rows, and last the
versions, whose offsets say how far Silver has come. Killed in between, the next run does the same batch again.
"""

from dataclasses import dataclass
from functools import reduce
from operator import or_

from pyspark.sql import Column, DataFrame
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
from lakehouse.errors import LakehouseError

MANY = 20_000  # changes at once, or rows to merge into
FEW = 100  # changes whose keys are looked for one by one


@dataclass(frozen=True)
class Caught:
    """What a catch-up took in: changes read, how many of them were refused, and the rows that Silver's differ by.

    A key that changed ten times is one row.
    """

    table: str
    changes: int = 0
    refused: int = 0
    rows: int = 0


def catch_up(lake: Lake, contract: Contract, cut: Positions) -> Caught:
    """Bring Silver up to the cut, reading only what lies between where it stands and there.

    Raises SchemaMismatch, before anything is written, where the table no longer fits its contract.
    """
    if not lake.catalog.has_columns("silver", f"{contract.table}_versions", tables.versions(contract)):
        start_over(lake, contract)
    if cut and (refills := lake.catalog.refills(contract)) > lake.catalog.refills_merged(contract):
        # What came after the filled gap was merged without it.
        start_over(lake, contract)
        lake.catalog.note_refills_merged(contract, refills)
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
    return Caught(contract.table, came, facts.refused, _write(lake, contract, changes, facts, seen))


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


def _write(lake: Lake, contract: Contract, changes: DataFrame, facts: Facts, seen: Positions) -> int:
    """Write the three tables; give how many current rows were added, changed or deleted."""
    if facts.refused:
        quarantine.record(lake, contract, quarantine.entries(changes, contract))
    quarantine.close(lake, contract, quarantine.closings(changes, contract), seen)
    settled = net(changes, contract)
    before = lake.catalog.version("silver", contract.table)
    if _all_new(lake, contract, facts):
        lake.append(settled.where(F.col("_op") != DELETE), "silver", contract.table)
    else:
        _merge(lake, contract, computed(settled), facts)
    rows = _written_alone(lake, contract, before)
    lake.append(changes.select(*tables.versions(contract)), "silver", f"{contract.table}_versions")
    return rows


def _written_alone(lake: Lake, contract: Contract, before: int) -> int:
    """Give how many current rows were written; raise where somebody else wrote some meanwhile.

    Delta lets an append in beside whatever else is written. The lease is checked as a write begins, which may take
    minutes, and Postgres may be gone meanwhile.
    """
    written = lake.catalog.written("silver", contract.table, before)
    if len(written) > 1:
        raise LakehouseError(
            f"silver/{contract.table} was written by another refresh at the same time, so rows may be there twice. "
            "Run batch_refresh_silver_gold.py --rebuild."
        )
    return sum(written)


def _near(contract: Contract, settled: DataFrame, facts: Facts) -> Column:
    """Say where in the current rows a batch's keys may be: by their files' statistics, the others are not looked at."""
    there, name = F.col(f"t.{contract.key[0]}"), contract.key[0]
    if facts.changes > FEW:
        return there.between(facts.first_key, facts.last_key)
    keys = {row[0] for row in settled.select(name).collect()}
    return reduce(or_, (there == key for key in keys), F.lit(False))


def _all_new(lake: Lake, contract: Contract, facts: Facts) -> bool:
    """Say whether the log alone tells that none of the batch's keys is there, and so nothing is to be merged into."""
    only_inserts = facts.inserts == facts.changes
    return lake.catalog.is_empty("silver", contract.table) or (
        only_inserts and not lake.catalog.may_hold(contract, facts.first_key, facts.last_key)
    )


def _merge(lake: Lake, contract: Contract, settled: DataFrame, facts: Facts) -> None:
    """Put the last of each key; whatever a batch holds came after all that was merged before."""
    same = _near(contract, settled, facts)
    for name in contract.key:
        same = same & (F.col(f"t.{name}") == F.col(f"s.{name}"))
    delete = F.col("s._op") == DELETE
    # It copies the rows beside those that it changes, of which a long table has many.
    long = lake.catalog.rows("silver", contract.table) > MANY
    (
        (lake.in_bulk() if long else lake)
        .table("silver", contract.table)
        .alias("t")
        .merge(settled.alias("s"), same)
        .whenMatchedDelete(delete)
        .whenMatchedUpdateAll()
        .whenNotMatchedInsertAll(~delete)
        .execute()
    )
