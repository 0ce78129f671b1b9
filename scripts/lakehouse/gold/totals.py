"""What the figures come to for the whole company, before and after a refresh: what a journal is read for."""

from collections.abc import Mapping
from decimal import Decimal

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

Totals = Mapping[str, int | Decimal]


def totals(primes: DataFrame, days: DataFrame) -> Totals:
    """Give counts and sums as v_kpi's total has them, of one year's figures."""
    of_primes = primes.agg(
        F.count("*").alias("nb_salaries"),
        F.count_if("eligible").alias("nb_primes"),
        F.coalesce(F.sum("montant_prime"), F.lit(0)).alias("cout_primes"),
        F.max("year").alias("year"),
    )
    of_days = days.groupBy(F.col("year")).agg(
        F.count_if("eligible").alias("nb_bien_etre"),
        F.sum("jours_bien_etre").alias("jours_bien_etre"),
        F.count_if(F.col("nb_activities_year") > 0).alias("nb_participants"),
    )
    row = of_primes.join(of_days, "year", "left").drop("year").first()
    return {} if row is None else {name: value or 0 for name, value in row.asDict().items()}


def moved(before: Totals, after: Totals, over: float) -> Mapping[str, float]:
    """Give the figures that moved by more than a share of what they were; one that was 0 moved by all it is now."""
    if not before.get("nb_salaries"):
        return {}  # these are the first figures
    shares = {name: _share(before[name], now) for name, now in after.items()}
    return {name: share for name, share in shares.items() if abs(share) > over}


def _share(before: int | Decimal, now: int | Decimal) -> float:
    if before == now:
        return 0.0
    return float((now - before) / before) if before else 1.0
