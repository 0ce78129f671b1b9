"""The table as it was: its versions, replayed."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.cdc.contract import Contract
from lakehouse.cdc.merge.envelope import UPSERT_OPS
from lakehouse.cdc.merge.ordering import with_commit_order


def replay(versions: DataFrame, contract: Contract) -> DataFrame:
    """Give the rows that Postgres held after these versions, refused ones included, with the versions' columns.

    What the versions are cut to says as of when: up to a commit, up to an instant, or those that one of Postgres's
    snapshots sees. Without the refused ones (`size(_reasons) = 0`), it is Silver as it was.
    """
    row = F.struct(*versions.columns)
    changes = versions.where(F.col("_op").isNotNull()).dropna(subset=[*contract.key])
    last = with_commit_order(changes, contract.key).groupBy(*contract.key)
    return last.agg(F.max_by(row, "_order").alias("row")).select("row.*").where(F.col("_op").isin(*UPSERT_OPS))
