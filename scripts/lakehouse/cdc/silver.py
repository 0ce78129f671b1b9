"""Silver: the table as it is now, brought up to a cut of Bronze by what is new since the last time.

Three tables are written, each so that doing it again changes nothing: quarantine, the current rows, and last the
versions, whose offsets say how far Silver has come. Killed in between, the next run does the same batch again.
"""

from dataclasses import dataclass

from delta.tables import DeltaTable
from pyspark import StorageLevel
from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from lakehouse.cdc import quarantine, tables
from lakehouse.cdc.changes import carry_unchanged, expand_truncates, judge, net
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.envelope import DELETE, TRUNCATE, UPSERTS, decode
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.order import later
from lakehouse.cdc.positions import Positions, between, reached
from lakehouse.errors import SchemaMismatch


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
    start_over_if_contract_changed(lake, contract)
    seen = lake.merged(contract)
    if reached(seen, cut):
        return Caught(contract.table)
    changes = decode(lake.bronze(contract).where(between(seen, cut)), contract).persist(StorageLevel.MEMORY_AND_DISK)
    try:
        facts = examine(changes, contract)
        if facts["changes"] == 0:
            return Caught(contract.table)
        whole = complete(lake, contract, changes, facts)
        refused = write(lake, contract, whole)
        return Caught(contract.table, facts["changes"], refused)
    finally:
        changes.unpersist()


def examine(changes: DataFrame, contract: Contract) -> Row:
    """Give, in one pass, what decides the way of a batch; raise SchemaMismatch where it does not fit the contract."""
    upsert = F.col("_op").isin(*UPSERTS)
    place = F.struct("_incarnation", "_partition", "_offset")
    names = F.array(*(F.lit(name) for name in contract.columns))
    facts = changes.agg(
        F.count("*").alias("changes"),
        F.coalesce(F.bool_or(F.size("_unchanged") > 0), F.lit(False)).alias("incomplete"),
        F.coalesce(F.bool_or(F.col("_op") == TRUNCATE), F.lit(False)).alias("truncated"),
        F.min(F.when(upsert & (F.size("_misfits") > 0), F.struct(place, "_misfits"))).alias("misfit"),
        # Older messages may lack a column that was added later; the newest one shows the table as it is.
        F.max(F.when(upsert, F.struct(place, F.array_except(names, F.map_keys("_fields")).alias("missing")))).alias(
            "newest"
        ),
    ).first()
    assert facts is not None  # noqa: S101 - an aggregate without groups has one row
    if facts["misfit"]:
        (_, partition, offset), columns = facts["misfit"]
        raise SchemaMismatch(
            f"{contract.table}: the value of {', '.join(columns)} is not of the contract's type, first at "
            f"{contract.topic}, partition {partition}, offset {offset}. Nothing was changed in Silver. "
            f"Mend contracts/{contract.table}.py to the table as it is now; the next refresh reads it anew."
        )
    if facts["newest"] and facts["newest"]["missing"]:
        raise SchemaMismatch(
            f"{contract.table}: {', '.join(facts['newest']['missing'])} is in the contract and no longer in the "
            f"table. Nothing was changed in Silver. Take it out of contracts/{contract.table}.py, or add it again."
        )
    return facts


def complete(lake: Lake, contract: Contract, changes: DataFrame, facts: Row) -> DataFrame:
    """Give the changes with what they left out filled in, judged, and each TRUNCATE as deletes."""
    whole = changes
    if facts["incomplete"]:
        keys = changes.where(F.size("_unchanged") > 0).select(*contract.key).distinct()
        whole = carry_unchanged(
            changes, lake.versions(contract).join(F.broadcast(keys), [*contract.key], "semi"), contract
        )
    whole = judge(whole, contract)
    if facts["truncated"]:
        whole = expand_truncates(whole, lake.versions(contract), contract)
    return whole


def write(lake: Lake, contract: Contract, changes: DataFrame) -> int:
    """Write a judged batch into quarantine, the current rows and the versions, in this order; give how many refused."""
    refused = changes.where(F.size("_reasons") > 0)
    how_many = refused.count()
    if how_many:
        quarantine.record(lake, contract, refused)
    settled = net(changes, contract)
    quarantine.close(lake, contract, settled)
    _merge(lake, contract, settled)
    lake.append(
        changes.select(*tables.ORIGIN_COLUMNS, "_reasons", *contract.columns), "silver", f"{contract.table}_versions"
    )
    return how_many


def start_over(lake: Lake, contract: Contract) -> None:
    """Empty the table's Silver, so that the next catch-up reads all of Bronze. The versions go last: they tell."""
    lake.make("silver", contract.table, tables.silver(contract), anew=True)
    quarantine.forget(lake, contract)
    lake.make("silver", f"{contract.table}_versions", tables.versions(contract), anew=True)


def start_over_if_contract_changed(lake: Lake, contract: Contract) -> None:
    if not lake.has_schema("silver", f"{contract.table}_versions", tables.versions(contract)):
        start_over(lake, contract)


def _merge(lake: Lake, contract: Contract, settled: DataFrame) -> None:
    same = " AND ".join(f"t.`{name}` = s.`{name}`" for name in contract.key)
    delete = F.col("s._op") == DELETE
    (
        DeltaTable.forPath(lake.spark, lake.path("silver", contract.table))
        .alias("t")
        .merge(settled.alias("s"), same)
        .whenMatchedDelete(later("s", "t") & delete)
        .whenMatchedUpdateAll(later("s", "t"))
        .whenNotMatchedInsertAll(~delete)
        .execute()
    )
