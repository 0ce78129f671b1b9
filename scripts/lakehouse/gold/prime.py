"""The prime sportive: a share of the salary for whoever comes to work on foot or by bicycle (product rules, § 4)."""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.contracts import TRAVEL_MODES
from lakehouse.gold.rules import Rules
from lakehouse.gold.tables import PRIME_SPORTIVE, shaped


def prime(employees: DataFrame, distances: DataFrame, rules: Rules, year: int) -> DataFrame:
    """Give one row per employee: what the prime is, or the one `motif` for which there is none.

    Amounts are decimals, rounded half up to the cent; `montant_en_jeu` is what an active commute would earn
    within its limit, whatever its distance is.
    """
    limit, distance = F.col("limit_m"), F.col("distance_m")
    motif = (
        F.when(limit.isNull(), "mode_non_eligible")
        .when(distance.isNull(), "distance_inconnue")
        .when(distance > limit, "distance_incoherente")
        .otherwise("eligible")
    )
    earned = F.round(F.col("salaire_brut") * F.lit(rules.bonus_rate), 2)
    figures = (
        _commutes(employees, distances, rules)
        .withColumn("motif", motif)
        .withColumn("eligible", F.col("motif") == "eligible")
        .withColumn("montant_en_jeu", F.when(limit.isNotNull(), earned).otherwise(F.lit(0)))
        .withColumn("montant_prime", F.when(F.col("eligible"), earned).otherwise(F.lit(0)))
        .withColumn("distance_km", distance / 1000)
        .withColumn("limite_km", limit / 1000)
        .withColumn("employee_id", F.col("id"))
        .withColumn("year", F.lit(year))
    )
    return shaped(figures, PRIME_SPORTIVE)


def _commutes(employees: DataFrame, distances: DataFrame, rules: Rules) -> DataFrame:
    """Give each employee with limit_m and, where it is known, distance_m and distance_source."""
    declared = F.col("moyen_deplacement")
    asked = employees.withColumn("travel_mode", _look_up(TRAVEL_MODES, declared)).withColumn(
        "limit_m", _look_up(rules.limits_m, declared)
    )
    answers = _best(distances.where(F.col("destination_address") == rules.destination))
    return asked.join(
        answers.withColumnRenamed("origin_address", "adresse_complete"), ["adresse_complete", "travel_mode"], "left"
    )


def _best(distances: DataFrame) -> DataFrame:
    """Give one answer per address and travel mode: where Google was asked its word counts, also when it failed.

    So an estimate made before there was a key never stands in for an answer that Google could not give.
    """
    estimated_last = F.struct(F.col("provider") == "estimate", F.col("provider"))
    best = F.min_by(F.struct("distance_m", "provider", "status"), estimated_last).alias("best")
    return (
        distances.groupBy("origin_address", "travel_mode")
        .agg(best)
        .where(F.col("best.status") == "ok")
        .select("origin_address", "travel_mode", "best.distance_m", F.col("best.provider").alias("distance_source"))
    )


def _look_up(values: Mapping[str, object], key: Column) -> Column:
    """Give the value of a key, NULL where it has none."""
    return F.create_map(*(F.lit(part) for pair in values.items() for part in pair))[key]
