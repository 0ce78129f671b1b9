"""How many activities of each employee are doubles: these are kept, and no figure counts them."""

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.contracts import RH_EMPLOYEES, STRAVA_ACTIVITIES
from lakehouse.gold.activities import valid_activities
from lakehouse.gold.affected import AffectedEmployees
from lakehouse.gold.model import Model
from lakehouse.gold.outings import find_doubles


def doubles(employees: DataFrame, activities: DataFrame, as_of: date) -> DataFrame:
    """Return one row per employee with doubles: their number, and the first and last start in Paris time."""
    valid = valid_activities(activities, as_of)
    present = valid.join(employees.select(F.col("id").alias("employee_id")), "employee_id", "left_semi")
    return (
        present.join(F.broadcast(find_doubles(valid)), "activity_id", "left_semi")
        .groupBy("employee_id")
        .agg(
            F.count("*").alias("nb_doubles"),
            F.min("started").alias("premier_double"),
            F.max("started").alias("dernier_double"),
        )
    )


def doubles_incremental(rows: DataFrame, affected: AffectedEmployees) -> DataFrame:
    """Return the table with the affected employees' rows recomputed: each row depends on its own employee only."""
    others = rows.where(~F.col("employee_id").isin(*affected.ids))
    return others.unionByName(doubles(affected.now.employees, affected.now.activities, affected.now.as_of))


DOUBLES = Model(
    name="doubles",
    # v_qualite_donnees shows their sum beside the refusals.
    schema={
        "employee_id": "int",
        "nb_doubles": "bigint",
        "premier_double": "timestamp",
        "dernier_double": "timestamp",
    },
    # The same as those of the other incremental models, with which it shares the baseline.
    inputs=(RH_EMPLOYEES.table, STRAVA_ACTIVITIES.table),
    compute=lambda silver, _, day: doubles(silver[RH_EMPLOYEES.table], silver[STRAVA_ACTIVITIES.table], day),
    # The month among the parameters forces a full recompute each month, so no wrong row lasts longer.
    parameters=lambda _, day: {"month": day.replace(day=1)},
    incremental=lambda rows, affected, _: doubles_incremental(rows, affected),
)
