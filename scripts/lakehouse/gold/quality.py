"""Counts of refused changes. Neither keys nor values leave the quarantine."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.gold.paris import wall_clock
from lakehouse.gold.tables import QUALITE_DONNEES, conform


def quality(quarantine: DataFrame) -> DataFrame:
    """Return counts of refused changes by table, reason and state: `ouvert`, or `clos` once resolved.

    The first and last times are Paris wall-clock times. A change refused for two reasons counts under each.
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
