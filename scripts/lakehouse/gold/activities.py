"""Activities that count, and how they spread over business units, months and sports."""

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.gold.paris import begins, ends, months_before, wall_clock
from lakehouse.gold.tables import ACTIVITES, shaped
from lakehouse.gold.touched import Touched

BY = ("business_unit", "mois", "sport")
COUNTS = ("nb_activites", "nb_participants", "nb_mesurees")


def counted(activities: DataFrame, as_of: date) -> DataFrame:
    """Give the activities that are not flagged and began, in Paris, on that day or before, with `started` in Paris."""
    flagged = F.coalesce(F.col("flagged"), F.lit(False))
    return activities.where(~flagged & (F.col("start_date_utc") < ends(F.lit(as_of)))).withColumn(
        "started", wall_clock(F.col("start_date_utc"))
    )


def activities_spread(employees: DataFrame, activities: DataFrame, as_of: date) -> DataFrame:
    """Give activities by business unit, month and sport, by month alone and by sport alone; `niveau` says which.

    They are those of twelve months, of which as_of's is the last. Kilometres are NULL where no activity has a
    distance. Who does two sports is one participant of the month: no level is a sum of another.
    """
    present = employees.select(F.col("id").alias("employee_id"), "business_unit")
    first = F.trunc(months_before(as_of, 11), "month")
    of_each = (
        counted(activities, as_of)
        .where(F.col("start_date_utc") >= begins(first))
        .groupBy(
            "employee_id", F.trunc("started", "month").alias("mois"), F.coalesce("sport_type", "type").alias("sport")
        )
        .agg(
            F.count("*").alias("activities"),
            F.count("distance_m").alias("measured"),
            F.sum("distance_m").alias("metres"),
        )
    )
    levels = [("employee_id", *BY), ("employee_id", "mois"), ("employee_id", "sport")]
    level = F.when(F.grouping("business_unit") == 0, "bu").when(F.grouping("mois") == 0, "mois").otherwise("sport")
    figures = (
        of_each.join(present, "employee_id")
        .groupingSets(levels, "employee_id", *BY)
        .agg(level.alias("niveau"), *(F.sum(name).alias(name) for name in ("activities", "measured", "metres")))
        .groupBy("niveau", *BY)
        .agg(
            F.sum("activities").alias("nb_activites"),
            F.count("*").alias("nb_participants"),
            (F.sum("metres") / 1000).alias("distance_km"),
            F.sum("measured").alias("nb_mesurees"),
        )
    )
    return shaped(figures, ACTIVITES)


def spread_amended(figures: DataFrame, people: Touched) -> DataFrame:
    """Give the figures with what these people added to them before taken out, and what they add now put in."""
    before, now = (activities_spread(one.employees, one.activities, one.as_of) for one in (people.before, people.now))
    by = ("niveau", *BY)
    taken_out = before.select(*by, *((-F.col(name)).alias(name) for name in (*COUNTS, "distance_km")))
    # Whole metres, so that no sum drifts.
    metres = F.round(F.sum("distance_km") * 1000)
    figures = (
        figures.unionByName(now)
        .unionByName(taken_out)
        .groupBy(*by)
        .agg(*(F.sum(name).alias(name) for name in COUNTS), metres.alias("metres"))
        .where(F.col("nb_activites") > 0)
        .withColumn("distance_km", F.when(F.col("nb_mesurees") > 0, F.col("metres") / 1000))
    )
    return shaped(figures, ACTIVITES)
