"""Valid and countable activities, and their breakdown by business unit, month and sport."""

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.contracts import RH_EMPLOYEES, STRAVA_ACTIVITIES
from lakehouse.gold.affected import AffectedEmployees
from lakehouse.gold.model import Model
from lakehouse.gold.outings import find_doubles
from lakehouse.gold.paris import end_of_day, months_before, start_of_day, wall_clock
from lakehouse.spark.literals import lit

BREAKDOWN_COLUMNS = ("business_unit", "mois", "sport")
COUNT_COLUMNS = ("nb_activites", "nb_participants", "nb_mesurees")


def countable(activities: DataFrame, as_of: date) -> DataFrame:
    """Return the valid activities that count: those that are no doubles."""
    valid = valid_activities(activities, as_of)
    return valid.join(F.broadcast(find_doubles(valid)), "activity_id", "left_anti")


def valid_activities(activities: DataFrame, as_of: date) -> DataFrame:
    """Return unflagged activities that started on or before `as_of` in Paris; `started` is their Paris time."""
    flagged = F.coalesce(F.col("flagged"), lit(False))
    return activities.where(~flagged & (F.col("start_date_utc") < end_of_day(lit(as_of)))).withColumn(
        "started", wall_clock(F.col("start_date_utc"))
    )


def activity_breakdown(employees: DataFrame, activities: DataFrame, as_of: date) -> DataFrame:
    """Return activity and participant counts by business unit, month and sport, by month alone, and by sport alone.

    `niveau` names the level of a row: bu, mois or sport. The counts cover twelve months, the last one that of `as_of`.
    `distance_km` is NULL where no activity has a distance. Levels are not sums of each other: an employee with two
    sports is one participant of the month.
    """
    present = employees.select(F.col("id").alias("employee_id"), "business_unit")
    first_month = F.trunc(months_before(as_of, 11), "month")
    per_employee = (
        countable(activities, as_of)
        .where(F.col("start_date_utc") >= start_of_day(first_month))
        .groupBy(
            "employee_id", F.trunc("started", "month").alias("mois"), F.coalesce("sport_type", "type").alias("sport")
        )
        .agg(
            F.count("*").alias("activities"),
            F.count("distance_m").alias("measured"),
            F.sum("distance_m").alias("metres"),
        )
    )
    levels = [("employee_id", *BREAKDOWN_COLUMNS), ("employee_id", "mois"), ("employee_id", "sport")]
    level = F.when(F.grouping("business_unit") == 0, "bu").when(F.grouping("mois") == 0, "mois").otherwise("sport")
    return (
        per_employee.join(present, "employee_id")
        .groupingSets(levels, "employee_id", *BREAKDOWN_COLUMNS)
        .agg(level.alias("niveau"), *(F.sum(name).alias(name) for name in ("activities", "measured", "metres")))
        .groupBy("niveau", *BREAKDOWN_COLUMNS)
        .agg(
            F.sum("activities").alias("nb_activites"),
            F.count("*").alias("nb_participants"),
            (F.sum("metres") / 1000).alias("distance_km"),
            F.sum("measured").alias("nb_mesurees"),
        )
    )


def activity_breakdown_incremental(figures: DataFrame, affected: AffectedEmployees) -> DataFrame:
    """Return the breakdown with the affected employees' earlier contribution subtracted and their current one added."""
    before, now = (
        activity_breakdown(state.employees, state.activities, state.as_of) for state in (affected.before, affected.now)
    )
    keys = ("niveau", *BREAKDOWN_COLUMNS)
    subtracted = before.select(*keys, *((-F.col(name)).alias(name) for name in (*COUNT_COLUMNS, "distance_km")))
    # Rounded to whole metres: repeated updates of a float sum would drift.
    metres = F.round(F.sum("distance_km") * 1000)
    return (
        figures.unionByName(now)
        .unionByName(subtracted)
        .groupBy(*keys)
        .agg(*(F.sum(name).alias(name) for name in COUNT_COLUMNS), metres.alias("metres"))
        .where(F.col("nb_activites") > 0)
        .withColumn("distance_km", F.when(F.col("nb_mesurees") > 0, F.col("metres") / 1000))
    )


ACTIVITES = Model(
    name="activites",
    # niveau is the level of aggregation: bu, mois or sport. nb_mesurees counts activities with a distance: where it is
    # 0, distance_km is NULL. No view shows it.
    schema={
        "niveau": "string",
        "business_unit": "string",
        "mois": "date",
        "sport": "string",
        "nb_activites": "bigint",
        "nb_participants": "bigint",
        "distance_km": "double",
        "nb_mesurees": "bigint",
    },
    inputs=(RH_EMPLOYEES.table, STRAVA_ACTIVITIES.table),
    compute=lambda silver, _, day: activity_breakdown(silver[RH_EMPLOYEES.table], silver[STRAVA_ACTIVITIES.table], day),
    parameters=lambda _, day: {"month": day.replace(day=1)},
    incremental=lambda rows, affected, _: activity_breakdown_incremental(rows, affected),
)
