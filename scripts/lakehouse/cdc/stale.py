"""What reaches back: changes that Debezium sends again after a crash, and those that come late in another lane."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lakehouse.cdc.contract import Contract
from lakehouse.cdc.envelope import AGAIN, STREAMED, no_names
from lakehouse.cdc.order import ranked
from lakehouse.cdc.sweeps import sweeping
from lakehouse.cdc.tables import ORIGIN

# A change that is sent again is the same row of the same record of Postgres's log. The moment tells apart what an
# older Postgres, restored, writes over the numbers that it gave before.
RECORD = ("_op", "_tx_id", "_lsn", "_committed_at")


def told_twice(changes: DataFrame, contract: Contract) -> DataFrame:
    """Silence each change that came earlier in the batch."""
    same = Window.partitionBy(*contract.key, *RECORD).orderBy("_order")
    return _silenced(changes.withColumn("_again", _streamed() & (F.row_number().over(same) > 1)), contract)


def told_before(changes: DataFrame, versions: DataFrame, contract: Contract) -> DataFrame:
    """Silence each change that the versions hold already."""
    known = versions.where(_streamed()).select(*contract.key, *RECORD).distinct().alias("known")
    same = F.lit(True)
    for name in (*contract.key, *RECORD):
        same = same & F.col(f"change.{name}").eqNullSafe(F.col(f"known.{name}"))
    met = changes.alias("change").join(known, same, "left")
    return _silenced(met.select("change.*", F.col("known._tx_id").isNotNull().alias("_again")), contract)


def come_late(changes: DataFrame, versions: DataFrame, contract: Contract) -> bool:
    """Say whether a change comes before one that the versions hold of its key, or sweeps rows that they hold."""
    key = [*contract.key]
    place = [*ORIGIN, *key]
    news = changes.where(F.col("_op").isNotNull()).select(*place, F.lit(True).alias("_new"))
    past = versions.join(news.select(*key).distinct(), key, "semi").select(*place, F.lit(False).alias("_new"))
    first_new = F.min(F.when(F.col("_new"), F.col("_order")))
    last_old = F.max(F.when(~F.col("_new"), F.col("_order")))
    by_key = ranked(news.unionByName(past), key).groupBy(*key).agg((first_new < last_old).alias("late"))
    return not by_key.where("late").isEmpty() or not changes.where(sweeping()).isEmpty()


def _streamed() -> Column:
    """Say whether a change was streamed: snapshots are read again and again, and each time is news."""
    return F.coalesce(F.col("_op").isin(*STREAMED) & F.col("_tx_id").isNotNull(), F.lit(False))


def _silenced(changes: DataFrame, contract: Contract) -> DataFrame:
    """Leave of the changes told `_again` only that they came: no key, no values, no reasons."""
    again = F.col("_again")
    gone = {name: F.when(~again, F.col(name)) for name in ("_value", *contract.columns)}
    none = {name: F.when(again, no_names()).otherwise(F.col(name)) for name in ("_reasons", "_unchanged")}
    said = F.when(again, AGAIN).otherwise(F.col("_op"))
    return changes.withColumns({**gone, **none, "_op": said}).drop("_again")
