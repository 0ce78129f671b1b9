"""Wellbeing days, granted to employees with enough activities in the rules' window (product rules, § 4)."""

from dataclasses import asdict
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.contracts import RH_EMPLOYEES, STRAVA_ACTIVITIES
from lakehouse.gold.activities import countable
from lakehouse.gold.affected import AffectedEmployees
from lakehouse.gold.model import Model
from lakehouse.gold.paris import end_of_day, months_before
from lakehouse.gold.rules import RuleBook
from lakehouse.spark.literals import lit


def wellbeing(employees: DataFrame, activities: DataFrame, book: RuleBook, as_of: date) -> DataFrame:
    """Return one row per employee and year, with the count of activities and the days granted.

    Calendar years: the year of `as_of`, and every other year with an activity. A past year uses the rules in force on
    its last day. Rolling window: the twelve months that end on `as_of`, under its year.
    """
    counts = count_by_year(employees, activities, book.current.activity_window, as_of)
    until = F.least(F.make_date("year", lit(12), lit(31)), lit(as_of))
    needed, days = (book.value(name, until) for name in ("min_activities", "wellbeing_days"))
    return with_days_granted(counts, needed, days).withColumn("fenetre", lit(book.current.activity_window))


def wellbeing_incremental(figures: DataFrame, affected: AffectedEmployees, book: RuleBook) -> DataFrame:
    """Return the table with the affected employees' rows recomputed: each row depends on its own employee only."""
    others = figures.where(~F.col("employee_id").isin(*affected.ids))
    return others.unionByName(wellbeing(affected.now.employees, affected.now.activities, book, affected.now.as_of))


def count_by_year(employees: DataFrame, activities: DataFrame, window: str, as_of: date) -> DataFrame:
    """Return one row per employee and year: how many activities count, and the first and last of them."""
    present = employees.select(F.col("id").alias("employee_id"))
    this_year = present.select("employee_id", lit(as_of.year).alias("year"), lit(None).alias("started"))
    countable_activities = in_window(countable(activities, as_of), window, as_of).select(
        "employee_id", "year", "started"
    )
    present_activities = countable_activities.join(present, "employee_id", "left_semi")
    return (
        this_year.unionByName(present_activities)
        .groupBy("employee_id", "year")
        .agg(
            F.count("started").alias("nb_activities_year"),
            F.min("started").alias("first_activity_date"),
            F.max("started").alias("last_activity_date"),
        )
    )


def with_days_granted(counts: DataFrame, needed: Column, days: Column) -> DataFrame:
    """Add `eligible`, the days granted where `needed` activities are reached, and the number still missing."""
    nb_activities = F.col("nb_activities_year")
    return counts.withColumns(
        {
            "eligible": nb_activities >= needed,
            "jours_bien_etre": F.when(nb_activities >= needed, days).otherwise(0),
            "activites_manquantes": F.greatest(needed - nb_activities, lit(0)),
        }
    )


def in_window(valid: DataFrame, window: str, as_of: date) -> DataFrame:
    """Return the valid activities of the window, with the year that each counts for."""
    if window == "calendar_year":
        return valid.withColumn("year", F.year("started"))
    rolling = valid.where(F.col("start_date_utc") >= end_of_day(months_before(as_of, 12)))
    return rolling.withColumn("year", lit(as_of.year))


WELLBEING = Model(
    name="wellbeing",
    # fenetre is the rules' activity_window: v_wellbeing omits it, v_proche_du_seuil needs it.
    schema={
        "employee_id": "int",
        "year": "int",
        "nb_activities_year": "bigint",
        "first_activity_date": "timestamp",
        "last_activity_date": "timestamp",
        "eligible": "boolean",
        "jours_bien_etre": "int",
        "activites_manquantes": "int",
        "fenetre": "string",
    },
    inputs=(RH_EMPLOYEES.table, STRAVA_ACTIVITIES.table),
    compute=lambda silver, book, day: wellbeing(silver[RH_EMPLOYEES.table], silver[STRAVA_ACTIVITIES.table], book, day),
    # The month among the parameters forces a full recompute each month, so no wrong row lasts a year.
    parameters=lambda book, day: {
        "rules": asdict(book),
        "window": day.replace(day=1) if book.current.activity_window == "calendar_year" else day,
    },
    incremental=wellbeing_incremental,
    has_as_of_table=True,
    totals={"v_kpi": ("nb_bien_etre", "jours_bien_etre", "nb_participants")},
)
