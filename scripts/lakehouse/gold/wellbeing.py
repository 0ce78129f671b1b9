"""Days of wellbeing: granted from so many activities in the window on (product rules, § 4)."""

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.gold.activities import counted
from lakehouse.gold.paris import ends, months_before
from lakehouse.gold.rules import Rules
from lakehouse.gold.tables import WELLBEING, shaped
from lakehouse.gold.touched import Touched


def wellbeing(employees: DataFrame, activities: DataFrame, rules: Rules, as_of: date) -> DataFrame:
    """Give one row per employee and year: as_of's, and with calendar years each other that has an activity.

    A rolling window is the twelve months that end on as_of, and its year as_of's.
    """
    present = employees.select(F.col("id").alias("employee_id"))
    this_year = present.select("employee_id", F.lit(as_of.year).alias("year"), F.lit(None).alias("started"))
    done = _by_year(activities, rules, as_of).join(present, "employee_id", "left_semi")
    counts = (
        this_year.unionByName(done)
        .groupBy("employee_id", "year")
        .agg(
            F.count("started").alias("nb_activities_year"),
            F.min("started").alias("first_activity_date"),
            F.max("started").alias("last_activity_date"),
        )
    )
    return shaped(_granted(counts, rules), WELLBEING)


def wellbeing_amended(figures: DataFrame, people: Touched, rules: Rules) -> DataFrame:
    """Give the figures with those of these people computed anew: each row depends on its employee alone."""
    others = figures.where(~F.col("employee_id").isin(*people.ids))
    return others.unionByName(wellbeing(people.now.employees, people.now.activities, rules, people.now.as_of))


def _by_year(activities: DataFrame, rules: Rules, as_of: date) -> DataFrame:
    """Give when each activity of the window started, with the year that it counts for."""
    started = F.col("started")
    valid = counted(activities, as_of)
    if rules.activity_window == "calendar_year":
        return valid.select("employee_id", F.year(started).alias("year"), started)
    window = valid.where(F.col("start_date_utc") >= ends(months_before(as_of, 12)))
    return window.select("employee_id", F.lit(as_of.year).alias("year"), started)


def _granted(counts: DataFrame, rules: Rules) -> DataFrame:
    """Add what the count earns, and how many activities are missing for it."""
    done = F.col("nb_activities_year")
    return counts.withColumns(
        {
            "eligible": done >= rules.min_activities,
            "jours_bien_etre": F.when(done >= rules.min_activities, rules.wellbeing_days).otherwise(0),
            "activites_manquantes": F.greatest(rules.min_activities - done, F.lit(0)),
        }
    )
