"""Figures as of a day, beside today's: what held then decides, as it was known on another day."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.cdc.completion import computed
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.side_by_side import side_by_side
from lakehouse.contracts import CAPTURED
from lakehouse.gold.past import Question, held
from lakehouse.gold.prime import prime
from lakehouse.gold.rules import rules_until
from lakehouse.gold.runs import Run, versions
from lakehouse.gold.tables import ASKED, shaped
from lakehouse.gold.today import sized
from lakehouse.gold.totals import totals
from lakehouse.gold.wellbeing import wellbeing
from lakehouse.source.recorded import GoLive

OF_TOTALS = ("prime_sportive_au", "wellbeing_au")


def figures_as_of(lake: Lake, run: Run, question: Question, live: GoLive | None) -> None:
    """Put the answers in the place of earlier ones to the same question; today's figures stay as they are."""
    lake, run.known_at = sized(lake), question.known_at
    run.inputs = versions(lake.catalog, *(f"{one.table}_versions" for one in CAPTURED))
    same = " AND ".join(f"{name} = DATE '{day}'" for name, day in vars(question).items())
    then = held(lake, question, live)
    employees = computed(then.employees)
    with run.stage("gold/rules"):
        book = rules_until(then.reward_rules, question.as_of)
        run.rules = book.current
    days = wellbeing(employees, then.activities, book, question.as_of)
    answers: dict[str, DataFrame] = {
        "prime_sportive_au": prime(employees, then.distances, book.current, question.as_of.year),
        "wellbeing_au": days.where(F.col("year") == question.as_of.year),
    }
    run.before = totals(lake.catalog, *OF_TOTALS, where=same)

    def put(name: str) -> None:
        asked = answers[name].withColumns({which: F.lit(day) for which, day in vars(question).items()})
        with run.stage(f"gold/{name}"):
            lake.put(shaped(asked, ASKED[name][0]), "gold", name, same)

    side_by_side(put, answers)
    run.after = totals(lake.catalog, *OF_TOTALS, where=same)
