"""Time travel: the rows of a table at an earlier point, replayed from its versions."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.cdc.contract import Contract
from lakehouse.cdc.merge.envelope import UPSERT_OPS
from lakehouse.cdc.merge.ordering import with_commit_order


def latest_versions(versions: DataFrame, contract: Contract) -> DataFrame:
    """Return the latest version of each key, a delete or a refused one too."""
    row = F.struct(*versions.columns)
    changes = versions.where(F.col("_op").isNotNull()).dropna(subset=[*contract.key])
    by_key = with_commit_order(changes, contract.key).groupBy(*contract.key)
    return by_key.agg(F.max_by(row, "_order").alias("row")).select("row.*")


def replay(versions: DataFrame, contract: Contract) -> DataFrame:
    """Return the rows that Postgres had after these versions, refused ones included, with the versions' columns.

    The caller filters the versions by commit, by instant, or by visibility to a Postgres snapshot. Without the refused
    ones (`size(_reasons) = 0`), the result is Silver at that point.
    """
    return latest_versions(versions, contract).where(F.col("_op").isin(*UPSERT_OPS))
