"""Activities that count, and how they spread over months and sports."""

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.gold.paris import months_before, wall_clock
from lakehouse.gold.tables import ACTIVITES_PAR_MOIS, shaped


def counted(activities: DataFrame, as_of: date) -> DataFrame:
    """Give the activities that are not flagged and began, in Paris, on that day or before, with `started` in Paris."""
    flagged = F.coalesce(F.col("flagged"), F.lit(False))
    return (
        activities.where(~flagged)
        .withColumn("started", wall_clock(F.col("start_date_utc")))
        .where(F.to_date("started") <= F.lit(as_of))
    )


def activities_by_month(employees: DataFrame, activities: DataFrame, as_of: date) -> DataFrame:
    """Give each employee's activities by month and sport, over twelve months of which as_of's is the last.

    Kilometres are NULL where no activity has a distance. Summed by business unit in v_activites_par_bu.
    """
    present = employees.select(F.col("id").alias("employee_id"), "business_unit")
    months = (
        counted(activities, as_of)
        .withColumn("mois", F.trunc("started", "month"))
        .where(F.col("mois") > months_before(as_of, 12))
        .withColumn("sport", F.coalesce("sport_type", "type"))
    )
    figures = (
        months.join(present, "employee_id")
        .groupBy("employee_id", "business_unit", "mois", "sport")
        .agg(F.count("*").alias("nb_activites"), (F.sum("distance_m") / 1000).alias("distance_km"))
    )
    return shaped(figures, ACTIVITES_PAR_MOIS)
