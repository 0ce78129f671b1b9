"""Validation of typed changes by their contract, and the latest one per key: no batch boundary affects the result."""

from collections.abc import Callable, Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lakehouse.cdc.contract import COLUMN_PLACEHOLDER, REASON_PLACEHOLDER, Contract
from lakehouse.cdc.manual_refusals import ManualRefusal
from lakehouse.cdc.merge.batch import Batch
from lakehouse.cdc.merge.ordering import OFFSET_ORDER
from lakehouse.cdc.merge.predicates import is_effective, is_upsert
from lakehouse.cdc.merge.problems import (
    OUT_OF_RANGE,
    REFUSED_MANUALLY,
    TOASTED,
    TYPE_MISMATCH,
    UNRELIABLE_KEY,
    has_problem,
)
from lakehouse.cdc.schemas import LINEAGE_COLUMNS
from lakehouse.errors import SchemaMismatch
from lakehouse.spark.literals import lit

NO_REASONS = "CAST(array() AS ARRAY<STRING>)"
# Fewer values of another type than this are single wrong rows. More, in this share of a batch, are a changed table.
MIN_MISMATCHES, MAX_MISMATCH_SHARE = 20, 0.1


def validate(changes: DataFrame, contract: Contract) -> DataFrame:
    """Add `_reasons`, empty where a change is accepted. Set `_value` to NULL except for refused changes."""
    wording = contract.wording
    wrong_type = _reasons_of(TYPE_MISMATCH, wording.wrong_type)
    # The rules say nothing of a row whose values are not known.
    broken_rules = F.when(has_problem(TYPE_MISMATCH), no_reasons()).otherwise(F.expr(_broken_rules(contract)))
    reasons = F.concat(
        broken_rules,
        wrong_type,
        _reasons_of(OUT_OF_RANGE, wording.out_of_range),
        _reasons_of(TOASTED, wording.toasted),
    )
    undecodable, unreliable_key = (F.array(lit(text)) for text in (wording.undecodable, wording.unreliable_key))
    verdict = (
        F.when(has_problem(UNRELIABLE_KEY), unreliable_key)
        .when(F.col("_op").isNull() & has_problem(TYPE_MISMATCH), wrong_type)
        .when(F.col("_op").isNull(), undecodable)
        .when(is_upsert(), reasons)
        .otherwise(no_reasons())
    )
    refused_manually = _reasons_of(REFUSED_MANUALLY, wording.refused_manually, REASON_PLACEHOLDER)
    return (
        # Of the lineage, a rule may use `committed_at` only.
        changes.withColumn("committed_at", F.col("_committed_at"))
        .withColumn("_reasons", F.concat(refused_manually, verdict))
        .withColumn("_value", F.when(F.size("_reasons") > 0, F.col("_value")))
        .drop("committed_at")
    )


def mark_manual_refusals(changes: DataFrame, refusals: Sequence[ManualRefusal]) -> DataFrame:
    """Add a problem to each change that a person set aside; most tables have none."""
    if not refusals:
        return changes
    why = F.coalesce(*(F.when(_is_at(refusal), lit(refusal.why)) for refusal in refusals))
    marked = F.array_append("_problems", F.struct(why.alias("column"), lit(REFUSED_MANUALLY).alias("kind")))
    return changes.withColumn("_problems", F.when(why.isNull(), F.col("_problems")).otherwise(marked))


def ensure_schema_matches(batch: Batch, count_quarantined: Callable[[Batch], int] = lambda _: 0) -> None:
    """Raise SchemaMismatch, naming column and offset but no value, where a batch does not fit its contract.

    Single rows of other types are refused, and stop nothing. `count_quarantined` returns how many of the batch's are in
    the quarantine already: they passed an earlier check, and a rebuild reads them again.
    """
    contract, stats = batch.contract, batch.stats
    mismatch = stats.first_mismatch
    remedy = f"Nothing was changed in this table's Silver. {contract.hints.change_contract}"
    if (
        mismatch
        and has_too_many_mismatches(stats.mismatches, stats.changes)
        and has_too_many_mismatches(new := stats.mismatches - count_quarantined(batch), stats.changes)
    ):
        raise SchemaMismatch(
            f"{contract.table}: {new} of {stats.changes} changes have a value that is not of the contract's type, "
            f"first of {', '.join(mismatch.columns)} at {contract.topic}, partition {mismatch.partition}, offset "
            f"{mismatch.offset}. {remedy} Or, if the messages are wrong: {contract.hints.refuse_change}"
        )
    if missing := stats.missing_columns:
        raise SchemaMismatch(
            f"{contract.table}: {', '.join(missing.columns)} is in the contract and no longer in the table, at "
            f"{contract.topic}, partition {missing.partition}, offset {missing.offset}. {remedy} Or restore the column."
            f" If it was renamed, no message has the values under the new name: {contract.hints.resnapshot} "
            f"If only this message lacks it: {contract.hints.refuse_change}"
        )


def has_too_many_mismatches(mismatches: int, changes: int) -> bool:
    """Return whether so many changes of a batch do not fit that the table itself has changed."""
    return mismatches >= MIN_MISMATCHES and mismatches > MAX_MISMATCH_SHARE * changes


def latest_per_key(batch: Batch) -> DataFrame:
    """Return the latest effective change of each key, with Silver's columns: an upsert, or a delete (`_op` = d).

    A key whose changes since its last delete were all refused has that delete. Without a delete in the batch it has
    no change, and its row in Silver stays.
    """
    contract = batch.contract
    # Within one partition offsets are the order, and the batch is sorted by them.
    order = OFFSET_ORDER if batch.stats.is_single_partition else ("_order",)
    next_change = F.lead(lit(True)).over(Window.partitionBy(*contract.key).orderBy(*order))
    effective = batch.changes.where(is_effective()).withColumn("_has_next", next_change)
    return effective.where(F.col("_has_next").isNull()).select(*LINEAGE_COLUMNS, *contract.columns)


def no_reasons() -> Column:
    """Return an empty array of reasons."""
    return F.expr(NO_REASONS)


def sql_literal(text: str) -> str:
    """Return the text as a SQL literal."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _is_at(refusal: ManualRefusal) -> Column:
    incarnation, partition = refusal.topic_partition
    in_partition = (F.col("_incarnation") == incarnation) & (F.col("_partition") == partition)
    return in_partition & (F.col("_offset") == refusal.offset)


def _broken_rules(contract: Contract) -> str:
    """Return SQL for the messages of the rules that refuse the row, in the contract's order."""
    messages = ", ".join(f"CASE WHEN ({rule.when}) THEN {sql_literal(rule.message)} END" for rule in contract.rules)
    return f"array_except(CAST(array({messages}) AS ARRAY<STRING>), array(CAST(NULL AS STRING)))"


def _reasons_of(kind: str, text: str, placeholder: str = COLUMN_PLACEHOLDER) -> Column:
    """Return a reason for each problem of a kind; nearly always there is none, and nothing is computed."""
    of_kind = F.filter("_problems", lambda problem: problem["kind"] == kind)
    reasons = F.transform(of_kind, lambda problem: F.replace(lit(text), lit(placeholder), problem["column"]))
    return F.when(has_problem(kind), reasons).otherwise(no_reasons())
