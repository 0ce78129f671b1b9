"""Activities that count, and how they spread over months and sports."""

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.gold.paris import begins, ends, months_before, wall_clock
from lakehouse.gold.tables import ACTIVITES_PAR_BU, shaped


def counted(activities: DataFrame, as_of: date) -> DataFrame:
    """Give the activities that are not flagged and began, in Paris, on that day or before, with `started` in Paris."""
    flagged = F.coalesce(F.col("flagged"), F.lit(False))
    return activities.where(~flagged & (F.col("start_date_utc") < ends(F.lit(as_of)))).withColumn(
        "started", wall_clock(F.col("start_date_utc"))
    )


def activities_by_unit(employees: DataFrame, activities: DataFrame, as_of: date) -> DataFrame:
    """Give activities by business unit, month and sport, over twelve months of which as_of's is the last.

    Kilometres are NULL where no activity has a distance.
    """
    present = employees.select(F.col("id").alias("employee_id"), "business_unit")
    first = F.trunc(months_before(as_of, 11), "month")
    of_each = (
        counted(activities, as_of)
        .where(F.col("start_date_utc") >= begins(first))
        .groupBy(
            "employee_id", F.trunc("started", "month").alias("mois"), F.coalesce("sport_type", "type").alias("sport")
        )
        .agg(F.count("*").alias("activities"), F.sum("distance_m").alias("metres"))
    )
    figures = (
        of_each.join(present, "employee_id")
        .groupBy("business_unit", "mois", "sport")
        .agg(
            F.sum("activities").alias("nb_activites"),
            F.count("*").alias("nb_participants"),
            (F.sum("metres") / 1000).alias("distance_km"),
        )
    )
    return shaped(figures, ACTIVITES_PAR_BU)
