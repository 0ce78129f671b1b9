"""Counts of refused changes. Neither keys nor values leave the quarantine."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.gold.model import Model
from lakehouse.gold.paris import wall_clock


def quality(quarantine: DataFrame) -> DataFrame:
    """Return counts of refused changes by table, reason and state: `ouvert`, or `clos` once resolved.

    The first and last times are Paris wall-clock times. A change refused for two reasons counts under each.
    """
    refused = quarantine.select(
        F.col("table_name").alias("table_source"),
        F.explode_outer("reasons").alias("motif"),
        F.when(F.col("resolved_at").isNull(), "ouvert").otherwise("clos").alias("etat"),
        wall_clock(F.col("committed_at")).alias("refused_at"),
    )
    return refused.groupBy("table_source", "motif", "etat").agg(
        F.count("*").alias("nb_refus"),
        F.min("refused_at").alias("premier_refus"),
        F.max("refused_at").alias("dernier_refus"),
    )


QUALITE_DONNEES = Model(
    name="qualite_donnees",
    schema={
        "table_source": "string",
        "motif": "string",
        "etat": "string",
        "nb_refus": "bigint",
        "premier_refus": "timestamp",
        "dernier_refus": "timestamp",
    },
    inputs=("quarantine",),
    compute=lambda silver, _, __: quality(silver["quarantine"]),
    parameters=lambda _, __: {},
)
