"""Conditions on a decoded change: what it does to its row, or to others."""

from pyspark.sql import Column
from pyspark.sql import functions as F

from lakehouse.cdc.merge.envelope import DELETE, STREAMED_OPS, TRUNCATE, UPSERT_OPS
from lakehouse.cdc.merge.problems import REFUSED_MANUALLY, TYPE_MISMATCH, has_problem
from lakehouse.spark.literals import lit


def is_upsert() -> Column:
    return F.col("_op").isin(*UPSERT_OPS)


def is_effective() -> Column:
    """Return whether a change determines Silver's row of its key: an upsert or a delete that is not refused."""
    return F.col("_op").isin(*UPSERT_OPS, DELETE) & (F.size("_reasons") == 0)


def is_effective_delete() -> Column:
    """Return whether a change deletes its row: it is a delete that is not refused."""
    return (F.col("_op") == DELETE) & (F.size("_reasons") == 0)


def is_mismatch() -> Column:
    """Return whether a change has a value of another type than the contract's, unless it was refused manually."""
    return has_problem(TYPE_MISMATCH) & ~has_problem(REFUSED_MANUALLY)


def is_streamed() -> Column:
    """Return whether a change was streamed: snapshot rows repeat on purpose, and are no duplicates."""
    return F.coalesce(F.col("_op").isin(*STREAMED_OPS) & F.col("_tx_id").isNotNull(), lit(False))


def implies_deletes() -> Column:
    """Return whether a change implies deletes: it is a TRUNCATE, or the end of an initial snapshot."""
    return (F.col("_op") == TRUNCATE) | (F.col("_ends_snapshot") & initial_snapshot_lsn().isNotNull())


def initial_snapshot_lsn() -> Column:
    """Return the LSN of the initial snapshot that a row belongs to, which identifies it; NULL for other changes."""
    return F.when((F.col("_op") == "r") & F.col("_last_commit_lsn").isNull(), F.col("_lsn"))
