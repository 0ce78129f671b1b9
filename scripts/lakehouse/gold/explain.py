"""Why one person's figures are what they are: the rows behind them, each with the change event that it came from."""

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F

from lakehouse.cdc.changes import settles
from lakehouse.cdc.completion import computed
from lakehouse.cdc.envelope import DELETE
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.order import ranked
from lakehouse.cdc.tables import ORIGIN
from lakehouse.contracts import RH_EMPLOYEES, STRAVA_ACTIVITIES, TRAVEL_MODES
from lakehouse.errors import BadInput, NotReady
from lakehouse.gold.paris import ends, wall_clock
from lakehouse.gold.past import Held, Question, ever_of, held, known, since
from lakehouse.gold.prime import prime
from lakehouse.gold.rules import Rules, rules_until
from lakehouse.gold.touched import ACTIVITY
from lakehouse.gold.wellbeing import wellbeing, within
from lakehouse.source.recorded import GoLive

COUNTED = "comptée"


@dataclass(frozen=True)
class Explanation:
    """One person's figures on a day, and what they come from; rows have the columns of `tables.ORIGIN` beside theirs.

    `changes` are the known versions of the person's row, the first one first, whether each `counts` or is refused, and
    the `moment` when it was committed; of an activity that is when it began, both as a clock in Paris shows it. Its
    `verdict` is COUNTED, or why it is not.
    """

    question: Question
    employee: Row
    changes: Sequence[Row]
    rules: Rules
    rule: Row
    distances: Sequence[Row]
    prime: Row
    days: Row
    activities: Sequence[Row]


def explain(lake: Lake, employee_id: int, question: Question, live: GoLive | None) -> Explanation:
    """Give what lies behind a person's figures; BadInput where there was no such person on that day.

    It holds one person's rows, which are few.
    """
    staff = since(known(lake, RH_EMPLOYEES, question.known_at, live).where(F.col("id") == employee_id))
    changes = ranked(staff, RH_EMPLOYEES.key).withColumn("counts", settles())
    versions = changes.withColumn("moment", _moment(F.col("_committed_at"))).orderBy("_order").collect()
    # Each is looked at more than once, and planning them anew takes longer than the rows.
    then = Held(*map(computed, vars(held(lake, question, live, of=employee_id)).values()))
    employee = then.employees.first()
    if employee is None:
        raise BadInput(_nobody(employee_id, question, versions))
    try:
        book = rules_until(then.reward_rules, question.as_of)
    except NotReady:
        raise BadInput(
            f"Aucune règle n'était en vigueur au {question.as_of:%d/%m/%Y} : demandez un jour plus récent."
        ) from None
    rules, (valid_from, _) = book.current, book.rows[-1]
    answers = then.distances.where(
        (F.col("origin_address") == employee.adresse_complete)
        & (F.col("destination_address") == rules.destination)
        & (F.col("travel_mode") == TRAVEL_MODES.get(employee.moyen_deplacement))
    )
    days = wellbeing(then.employees, then.activities, book, question.as_of)
    told = _last_told(lake, employee_id, question, live)
    return Explanation(
        question,
        employee,
        versions,
        rules,
        _one(then.reward_rules.where(F.col("valid_from") == F.lit(valid_from))),
        answers.orderBy("provider").collect(),
        _one(prime(then.employees, then.distances, rules, question.as_of.year)),
        _one(days.where(F.col("year") == question.as_of.year)),
        _judged(told, then.activities, rules, question, employee_id).orderBy("start_date_utc", "activity_id").collect(),
    )


def _last_told(lake: Lake, employee_id: int, question: Question, live: GoLive | None) -> DataFrame:
    """Give what was told last of each activity that was ever theirs, refused or deleted though it be."""
    row = F.struct(*ACTIVITY[1:], "_reasons", *ORIGIN)
    told = known(lake, STRAVA_ACTIVITIES, question.known_at, live)
    theirs = told.join(F.broadcast(ever_of(lake, employee_id)), "activity_id", "left_semi")
    last = ranked(theirs, STRAVA_ACTIVITIES.key).groupBy("activity_id")
    return last.agg(F.max_by(row, "_order").alias("told"))


def _judged(told: DataFrame, rows: DataFrame, rules: Rules, question: Question, employee_id: int) -> DataFrame:
    """Give each activity once, as it counts or as it was told last, with the verdict."""
    holds = rows.select("activity_id", F.struct(*ACTIVITY[1:], *ORIGIN).alias("row"))
    theirs = (F.col("employee_id") == employee_id) & (F.col("year") == question.as_of.year)
    counting = within(rows, rules.activity_window, question.as_of).where(theirs)
    counts = counting.select("activity_id", F.lit(True).alias("counts"))
    there, last = F.col("row").isNotNull(), F.col("told")
    refused = F.size(last["_reasons"]) > 0
    verdict = (
        F.when(F.col("counts"), COUNTED)
        .when(there & (F.col("row.employee_id") != employee_id), "d'un autre salarié")
        .when(there & F.coalesce(F.col("row.flagged"), F.lit(False)), "signalée (flagged)")
        .when(there & (F.col("row.start_date_utc") >= ends(F.lit(question.as_of))), "après le jour demandé")
        .when(there, "hors de la période")
        .when(refused, F.concat(F.lit("refusée : "), F.array_join(last["_reasons"], ", ")))
        .when(last["_op"] == DELETE, "supprimée")
        .otherwise("absente ce jour-là")
    )
    joined = told.join(holds, "activity_id", "left").join(counts, "activity_id", "left")
    shown = F.coalesce("row", F.struct(*(last[name].alias(name) for name in (*ACTIVITY[1:], *ORIGIN))))
    return joined.select("activity_id", verdict.alias("verdict"), shown.alias("shown")).select(
        "activity_id", "verdict", _moment(F.col("shown.start_date_utc")).alias("moment"), "shown.*"
    )


def _moment(instant: Column) -> Column:
    return F.date_format(wall_clock(instant), "dd/MM/yyyy HH:mm")


def _one(rows: DataFrame) -> Row:
    row = rows.first()
    assert row is not None  # noqa: S101 - who is there has each of these
    return row


def _nobody(employee_id: int, question: Question, changes: Sequence[Row]) -> str:
    said = f"Salarié {employee_id} : absent au {question.as_of:%d/%m/%Y}, d'après ce qui était connu au "
    said += f"{question.known_at:%d/%m/%Y}. "
    if not changes:
        return said + "Aucune ligne de ce salarié n'était connue : vérifiez l'identifiant, ou demandez --known-at."
    taken = [change for change in changes if change.counts]
    if not taken:
        reasons = ", ".join(changes[-1]["_reasons"])
        return said + f"Sa fiche est refusée : {reasons}. Corrigez le fichier RH, et rechargez-le."
    hired = taken[-1].date_embauche
    if hired and hired > question.as_of:
        return said + f"Son embauche est au {hired:%d/%m/%Y} : ses chiffres d'un jour commencent alors."
    return said + f"Sa fiche a {len(changes)} versions connues : demandez un autre jour avec --as-of."
