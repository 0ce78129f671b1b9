"""Explanation of one employee's figures: the input rows, each with the lineage of its change event."""

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from lakehouse.cdc.lake import Lake
from lakehouse.cdc.merge.envelope import DELETE
from lakehouse.cdc.merge.ordering import with_commit_order
from lakehouse.cdc.merge.predicates import is_effective
from lakehouse.cdc.schemas import LINEAGE_COLUMNS
from lakehouse.contracts import RH_EMPLOYEES, STRAVA_ACTIVITIES, TRAVEL_MODES
from lakehouse.contracts.ops import GoLive
from lakehouse.errors import BadInput, NotReady
from lakehouse.french import format_day
from lakehouse.gold.activities import valid_activities
from lakehouse.gold.affected import ACTIVITY_INPUT_COLUMNS
from lakehouse.gold.bitemporal import AsOf, StateAsOf, activity_ids_of, state_as_of, versions_known_at, with_valid_from
from lakehouse.gold.outings import find_doubles
from lakehouse.gold.paris import end_of_day, format_paris_time
from lakehouse.gold.prime import PRIME_SPORTIVE
from lakehouse.gold.rules import Rules, rules_until
from lakehouse.gold.wellbeing import WELLBEING, in_window
from lakehouse.refresh.explain_refusals import refusals_behind
from lakehouse.spark.literals import lit
from lakehouse.spark.materialize import materialize

COUNTED, EN_DOUBLE = "comptée", "en double"


@dataclass(frozen=True)
class Explanation:
    """One employee's figures at a time point, with the rows they come from; input rows have LINEAGE_COLUMNS too.

    `employee_versions` are the known versions of the employee's row, the oldest first. `counts` is False for a
    refused version. `moment` is a text in Paris time: a version's commit, or an activity's start. `verdict` is COUNTED,
    or the reason in French why an activity does not count. `double_of` is the activity that counts instead of a double.
    `refusals` are the latest versions that are refused: the figures rest on earlier ones.
    """

    time_point: AsOf
    employee: Row
    employee_versions: Sequence[Row]
    rules: Rules
    rules_row: Row
    distances: Sequence[Row]
    prime: Row
    days: Row
    activities: Sequence[Row]
    refusals: Sequence[Row]


def explain(lake: Lake, employee_id: int, time_point: AsOf, go_live: GoLive | None) -> Explanation:
    """Return the explanation of one employee's figures, with that employee's rows collected to the driver.

    Raises BadInput where the employee was not present on the day, or no reward rule was in force.
    """
    known_versions = with_valid_from(
        versions_known_at(lake, RH_EMPLOYEES, time_point.known_at, go_live).where(F.col("id") == employee_id)
    )
    ordered_versions = with_commit_order(known_versions, RH_EMPLOYEES.key).withColumn("counts", is_effective())
    versions = (
        ordered_versions.withColumn("moment", format_paris_time(F.col("_committed_at"))).orderBy("_order").collect()
    )
    # Each table is read more than once, and planning it again takes longer than computing its rows.
    state = StateAsOf(*map(materialize, vars(state_as_of(lake, time_point, go_live, employee_id=employee_id)).values()))
    employee = state.employees.first()
    if employee is None:
        raise BadInput(_not_found_message(employee_id, time_point, versions))
    try:
        book = rules_until(state.reward_rules, time_point.valid_at)
    except NotReady:
        raise BadInput(
            f"Aucune règle n'était en vigueur au {format_day(time_point.valid_at)} : demandez un jour plus récent."
        ) from None
    rules, (valid_from, _) = book.current, book.rows[-1]
    commute_distances = state.distances.where(
        (F.col("origin_address") == employee.adresse_complete)
        & (F.col("destination_address") == rules.destination)
        & (F.col("travel_mode") == TRAVEL_MODES.get(employee.moyen_deplacement))
    )
    tables = state.by_table()
    days = WELLBEING.rows(tables, book, time_point.valid_at)
    latest_versions = _latest_versions(lake, employee_id, time_point, go_live)
    return Explanation(
        time_point,
        employee,
        versions,
        rules,
        _first_row(state.reward_rules.where(F.col("valid_from") == lit(valid_from))),
        commute_distances.orderBy("provider").collect(),
        _first_row(PRIME_SPORTIVE.rows(tables, book, time_point.valid_at)),
        _first_row(days.where(F.col("year") == time_point.valid_at.year)),
        _with_verdict(latest_versions, state.activities, rules, time_point, employee_id)
        .orderBy("start_date_utc", "activity_id")
        .collect(),
        refusals_behind(lake, employee, rules, time_point, go_live),
    )


def _latest_versions(lake: Lake, employee_id: int, time_point: AsOf, go_live: GoLive | None) -> DataFrame:
    """Return the latest known version of each activity the employee ever had, refused and deleted ones included."""
    row = F.struct(*ACTIVITY_INPUT_COLUMNS[1:], "_reasons", *LINEAGE_COLUMNS)
    versions = versions_known_at(lake, STRAVA_ACTIVITIES, time_point.known_at, go_live)
    own_versions = versions.join(F.broadcast(activity_ids_of(lake, employee_id)), "activity_id", "left_semi")
    by_activity = with_commit_order(own_versions, STRAVA_ACTIVITIES.key).groupBy("activity_id")
    return by_activity.agg(F.max_by(row, "_order").alias("latest"))


def _with_verdict(
    latest_versions: DataFrame, activities: DataFrame, rules: Rules, time_point: AsOf, employee_id: int
) -> DataFrame:
    """Return one row per activity, with its verdict: the row valid on the day, or else the latest known version."""
    effective_rows = activities.select(
        "activity_id", F.struct(*ACTIVITY_INPUT_COLUMNS[1:], *LINEAGE_COLUMNS).alias("row")
    )
    own = valid_activities(activities, time_point.valid_at).where(F.col("employee_id") == employee_id)
    in_period = (
        in_window(own, rules.activity_window, time_point.valid_at)
        .where(F.col("year") == time_point.valid_at.year)
        .join(F.broadcast(find_doubles(own)), "activity_id", "left")
        .select("activity_id", "double_of", lit(True).alias("in_period"))
    )
    is_present, latest = F.col("row").isNotNull(), F.col("latest")
    refused = F.size(latest["_reasons"]) > 0
    verdict = (
        F.when(F.col("double_of").isNotNull(), EN_DOUBLE)
        .when(F.col("in_period"), COUNTED)
        .when(is_present & (F.col("row.employee_id") != employee_id), "d'un autre salarié")
        .when(is_present & F.coalesce(F.col("row.flagged"), lit(False)), "signalée (flagged)")
        .when(
            is_present & (F.col("row.start_date_utc") >= end_of_day(lit(time_point.valid_at))),
            "après le jour demandé",
        )
        .when(is_present, "hors de la période")
        .when(refused, F.concat(lit("refusée : "), F.array_join(latest["_reasons"], ", ")))
        .when(latest["_op"] == DELETE, "supprimée")
        .otherwise("absente ce jour-là")
    )
    joined = latest_versions.join(effective_rows, "activity_id", "left").join(in_period, "activity_id", "left")
    shown = F.coalesce(
        "row", F.struct(*(latest[name].alias(name) for name in (*ACTIVITY_INPUT_COLUMNS[1:], *LINEAGE_COLUMNS)))
    )
    return joined.select("activity_id", verdict.alias("verdict"), "double_of", shown.alias("shown")).select(
        "activity_id",
        "verdict",
        "double_of",
        format_paris_time(F.col("shown.start_date_utc")).alias("moment"),
        "shown.*",
    )


def _first_row(rows: DataFrame) -> Row:
    row = rows.first()
    assert row is not None  # noqa: S101 - an employee who is present has a row in each
    return row


def _not_found_message(employee_id: int, time_point: AsOf, versions: Sequence[Row]) -> str:
    message = f"Salarié {employee_id} : absent au {format_day(time_point.valid_at)}, d'après ce qui était connu au "
    message += f"{format_day(time_point.known_at)}. "
    if not versions:
        return message + "Aucune ligne de ce salarié n'était connue : vérifiez l'identifiant, ou demandez --known-at."
    effective = [version for version in versions if version.counts]
    if not effective:
        reasons = ", ".join(versions[-1]["_reasons"])
        return message + f"Sa fiche est refusée : {reasons}. Corrigez le fichier RH, et rechargez-le."
    hire_date = effective[-1].date_embauche
    if hire_date and hire_date > time_point.valid_at:
        return message + f"Son embauche est au {format_day(hire_date)} : ses chiffres d'un jour commencent alors."
    return message + f"Sa fiche a {len(versions)} versions connues : demandez un autre jour avec --as-of."
