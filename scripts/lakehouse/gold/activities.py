"""Activities that count, and how they spread over months and sports."""

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.gold.paris import months_before, wall_clock
from lakehouse.gold.tables import ACTIVITES_PAR_BU, shaped


def counted(activities: DataFrame, as_of: date) -> DataFrame:
    """Give the activities that are not flagged and began, in Paris, on that day or before, with `started` in Paris."""
    flagged = F.coalesce(F.col("flagged"), F.lit(False))
    return (
        activities.where(~flagged)
        .withColumn("started", wall_clock(F.col("start_date_utc")))
        .where(F.to_date("started") <= F.lit(as_of))
    )


def activities_by_unit(employees: DataFrame, activities: DataFrame, as_of: date) -> DataFrame:
    """Give activities by business unit, month and sport, over twelve months of which as_of's is the last.

    Kilometres are NULL where no activity has a distance. Different employees are counted exactly, in bitmaps: a group
    for each employee would be nearly as many as the activities are.
    """
    present = employees.select(F.col("id").alias("employee_id"), "business_unit")
    months = (
        counted(activities, as_of)
        .withColumn("mois", F.trunc("started", "month"))
        .where(F.col("mois") > months_before(as_of, 12))
        .withColumn("sport", F.coalesce("sport_type", "type"))
    )
    who = F.col("employee_id").cast("bigint")
    some = (
        months.join(present, "employee_id")
        .groupBy("business_unit", "mois", "sport", F.bitmap_bucket_number(who).alias("bucket"))
        .agg(
            F.count("*").alias("activities"),
            F.sum("distance_m").alias("metres"),
            F.bitmap_count(F.bitmap_construct_agg(F.bitmap_bit_position(who))).alias("people"),
        )
    )
    figures = some.groupBy("business_unit", "mois", "sport").agg(
        F.sum("activities").alias("nb_activites"),
        F.sum("people").alias("nb_participants"),
        (F.sum("metres") / 1000).alias("distance_km"),
    )
    return shaped(figures, ACTIVITES_PAR_BU)
