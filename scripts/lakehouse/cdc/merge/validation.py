"""Validation of typed changes by their contract, and the latest one per key: no batch boundary affects the result."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.cdc.contract import COLUMN_PLACEHOLDER, Contract
from lakehouse.cdc.merge.batch import Batch
from lakehouse.cdc.merge.predicates import is_effective, is_upsert
from lakehouse.cdc.merge.problems import OUT_OF_RANGE, TOASTED, UNRELIABLE_KEY, has_problem
from lakehouse.cdc.schemas import LINEAGE_COLUMNS
from lakehouse.errors import SchemaMismatch
from lakehouse.spark.literals import lit

NO_REASONS = "CAST(array() AS ARRAY<STRING>)"


def validate(changes: DataFrame, contract: Contract) -> DataFrame:
    """Add `_reasons`, empty where a change is accepted. Set `_value` to NULL except for refused changes."""
    wording = contract.wording
    reasons = F.concat(
        F.expr(_broken_rules(contract)),
        _reasons_of(OUT_OF_RANGE, wording.out_of_range),
        _reasons_of(TOASTED, wording.toasted),
    )
    undecodable, unreliable_key = (F.array(lit(text)) for text in (wording.undecodable, wording.unreliable_key))
    verdict = (
        F.when(has_problem(UNRELIABLE_KEY), unreliable_key)
        .when(F.col("_op").isNull(), undecodable)
        .when(is_upsert(), reasons)
    )
    return (
        # Of the lineage, a rule may use `committed_at` only.
        changes.withColumn("committed_at", F.col("_committed_at"))
        .withColumn("_reasons", verdict.otherwise(no_reasons()))
        .withColumn("_value", F.when(F.size("_reasons") > 0, F.col("_value")))
        .drop("committed_at")
    )


def ensure_schema_matches(batch: Batch) -> None:
    """Raise SchemaMismatch, naming column and offset but no value, where a batch does not fit its contract."""
    contract, mismatch = batch.contract, batch.stats.type_mismatch
    remedy = f"Nothing was changed in Silver. {contract.hints.change_contract}"
    if mismatch:
        raise SchemaMismatch(
            f"{contract.table}: the value of {', '.join(mismatch.columns)} is not of the contract's type, first at "
            f"{contract.topic}, partition {mismatch.partition}, offset {mismatch.offset}. {remedy}"
        )
    if batch.stats.missing_columns:
        raise SchemaMismatch(
            f"{contract.table}: {', '.join(batch.stats.missing_columns)} is in the contract and no longer in the "
            f"table. {remedy} Or restore the column. If it was renamed, no message has the values under the new "
            f"name: {contract.hints.resnapshot}"
        )


def latest_per_key(changes: DataFrame, contract: Contract) -> DataFrame:
    """Return the latest effective change of each key, with Silver's columns: an upsert, or a delete (`_op` = d).

    A key whose changes since its last delete were all refused has that delete. Without a delete in the batch it has
    no change, and its row in Silver stays.
    """
    row = F.struct(*LINEAGE_COLUMNS, *contract.columns)
    last = changes.where(is_effective()).groupBy(*contract.key).agg(F.max_by(row, "_order").alias("row"))
    return last.select("row.*")


def no_reasons() -> Column:
    """Return an empty array of reasons."""
    return F.expr(NO_REASONS)


def sql_literal(text: str) -> str:
    """Return the text as a SQL literal."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _broken_rules(contract: Contract) -> str:
    """Return SQL for the messages of the rules that refuse the row, in the contract's order."""
    messages = ", ".join(f"CASE WHEN ({rule.when}) THEN {sql_literal(rule.message)} END" for rule in contract.rules)
    return f"array_except(CAST(array({messages}) AS ARRAY<STRING>), array(CAST(NULL AS STRING)))"


def _reasons_of(kind: str, text: str) -> Column:
    """Return a reason for each problem of a kind; nearly always there is none, and nothing is computed."""
    of_kind = F.filter("_problems", lambda problem: problem["kind"] == kind)
    reasons = F.transform(of_kind, lambda problem: F.replace(lit(text), lit(COLUMN_PLACEHOLDER), problem["column"]))
    return F.when(has_problem(kind), reasons).otherwise(no_reasons())
