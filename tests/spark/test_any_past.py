"""Law: figures of any day as known on any other are the oracle's to the cent, whatever was told; and stay so."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from pyspark.sql import SparkSession

import past_oracle
from lakehouse.cdc.catalog import Catalog
from lakehouse.cdc.lake import Lake
from lakehouse.contracts import CAPTURED
from lakehouse.gold.answers import figures_as_of
from lakehouse.gold.past import Question
from lakehouse.gold.refresh import make_tables
from lakehouse.gold.runs import Run
from past_oracle import Asked, Told
from spark.builders import NOTHING, collected
from spark.lives import LAST, years
from spark.past import LIVE, Past

PEOPLE, COMMITS, QUESTIONS = 120, 1_500, 3
CONTRACTS = {contract.table: contract for contract in CAPTURED}
DAYS = [date(2026, 1, 14), date(2026, 1, 15), date(2026, 10, 25), date(2026, 12, 31), date(2027, 1, 1),
        date(2027, 2, 28), date(2028, 2, 29)]  # fmt: skip

Rows = dict[Any, Any]


@pytest.mark.long
@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_any_day_is_the_oracles_and_no_later_change_changes_it(spark: SparkSession, tmp_path: Path, seed: int) -> None:
    lake = Lake(spark, Catalog(str(tmp_path)))
    make_tables(lake.catalog)
    past, rng = Past(lake), Random(seed)
    history = years(rng, PEOPLE, COMMITS)
    half = len(history) // 2
    early = list(asked(rng, QUESTIONS, history[half].day - timedelta(days=1)))
    tell(past, history[:half])
    known_then = {question: figures(lake, question) for question in early}
    tell(past, history[half:])
    for question in [*early, *asked(rng, QUESTIONS, LAST.date())]:
        found = figures(lake, question)
        assert known_then.get(question, found) == found
        assert found == expected(history, question)


def asked(rng: Random, count: int, latest: date) -> Iterator[Question]:
    """Give days and what is known of them by a latest day: mostly later, sometimes before; first one before all."""
    yield Question(DAYS[0], DAYS[0])
    first = DAYS[0].toordinal()
    for _ in range(count):
        known_at = date.fromordinal(rng.randint(first, latest.toordinal()))
        any_day = date.fromordinal(rng.randint(first, latest.toordinal()))
        yield Question(rng.choice([known_at, any_day, *(day for day in DAYS if day <= latest)]), known_at)


def tell(past: Past, history: list[Told]) -> None:
    for told in history:
        at = told.at.replace(tzinfo=None).isoformat(" ")
        past.commit(at, *((CONTRACTS[table], op, dict(row)) for table, op, row in told.changes), tx_id=told.tx_id)
    past.written()


def figures(lake: Lake, question: Question) -> tuple[Rows, Rows]:
    """Give primes and days by employee_id, as Gold has them."""
    figures_as_of(lake, Run(question.as_of, NOTHING), question, LIVE)

    def of(table: str) -> Rows:
        rows = lake.read("gold", table)
        return collected(
            rows.where(" AND ".join(f"{n} = DATE '{d}'" for n, d in vars(question).items())), "employee_id"
        )

    primes = {
        who: (row.business_unit, row.salaire_brut, row.distance_km, row.distance_source, row.motif, row.montant_prime)
        for who, row in of("prime_sportive_au").items()
    }
    days = {
        who: (row.nb_activities_year, row.first_activity_date, row.last_activity_date, row.jours_bien_etre,
              row.activites_manquantes)
        for who, row in of("wellbeing_au").items()
    }  # fmt: skip
    return primes, days


def expected(history: list[Told], question: Question) -> tuple[Rows, Rows]:
    """Give the oracle's."""
    told = Asked(question.as_of, question.known_at, LIVE.at, LIVE.tx_id)
    primes = {
        who: (due.business_unit, float(due.salary), None if due.distance_m is None else due.distance_m / 1000,
              due.distance_source, due.motif, due.amount)
        for who, due in past_oracle.prime(history, told).items()
    }  # fmt: skip
    days = {
        who: (done.activities, done.first and str(done.first), done.last and str(done.last), done.days, done.missing)
        for who, done in past_oracle.wellbeing(history, told).items()
    }
    return primes, days
