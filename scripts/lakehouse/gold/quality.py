"""What was refused, counted: neither a key nor a value of it leaves the quarantine."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.gold.paris import wall_clock
from lakehouse.gold.tables import QUALITE_DONNEES, conform


def quality(quarantine: DataFrame) -> DataFrame:
    """Give refused changes by table, reason and state (`ouvert`, or `clos` once mended), with first and last in Paris.

    A change refused for two reasons counts under each.
    """
    refused = quarantine.select(
        F.col("table_name").alias("table_source"),
        F.explode_outer("reasons").alias("motif"),
        F.when(F.col("closed_at").isNull(), "ouvert").otherwise("clos").alias("etat"),
        wall_clock(F.col("committed_at")).alias("refused_at"),
    )
    figures = refused.groupBy("table_source", "motif", "etat").agg(
        F.count("*").alias("nb_refus"),
        F.min("refused_at").alias("premier_refus"),
        F.max("refused_at").alias("dernier_refus"),
    )
    return conform(figures, QUALITE_DONNEES)
