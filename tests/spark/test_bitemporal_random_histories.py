"""Law: the figures of any day as known on any other equal the oracle's to the cent, and stay so."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from pyspark.sql import SparkSession

from lakehouse.cdc.lake import Lake
from lakehouse.cdc.table_store import TableStore
from lakehouse.contracts import CAPTURED
from lakehouse.gold.bitemporal import AsOf
from lakehouse.refresh.as_of import figures_as_of
from lakehouse.refresh.runs import Run
from lakehouse.refresh.table_setup import create_tables
from spark.builders import NO_OFFSETS, collect_by_key
from spark.company_histories import LAST_COMMIT_AT, random_history
from spark.versions_builder import GO_LIVE, VersionsBuilder
from support import bitemporal_oracle
from support.bitemporal_oracle import Commit, OracleAsOf

EMPLOYEE_COUNT, COMMIT_COUNT, AS_OF_COUNT = 120, 1_500, 3
CONTRACTS_BY_TABLE = {contract.table: contract for contract in CAPTURED}
EDGE_DAYS = [date(2026, 1, 14), date(2026, 1, 15), date(2026, 10, 25), date(2026, 12, 31), date(2027, 1, 1),
        date(2027, 2, 28), date(2028, 2, 29)]  # fmt: skip

Rows = dict[Any, Any]


@pytest.mark.long
@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_as_of_figures_equal_the_oracle_and_do_not_change_with_later_commits(
    spark: SparkSession, tmp_path: Path, seed: int
) -> None:
    lake = Lake(spark, TableStore(str(tmp_path)))
    create_tables(lake.store)
    versions, rng = VersionsBuilder(lake), Random(seed)
    history = random_history(rng, EMPLOYEE_COUNT, COMMIT_COUNT)
    half = len(history) // 2
    first_days = list(random_as_of_days(rng, AS_OF_COUNT, history[half].day - timedelta(days=1)))
    commit_all(versions, history[:half])
    figures_then = {as_of: read_gold_figures(lake, as_of) for as_of in first_days}
    commit_all(versions, history[half:])
    for as_of in [*first_days, *random_as_of_days(rng, AS_OF_COUNT, LAST_COMMIT_AT.date())]:
        figures = read_gold_figures(lake, as_of)
        assert figures_then.get(as_of, figures) == figures
        assert figures == oracle_figures(history, as_of)


def random_as_of_days(rng: Random, count: int, latest: date) -> Iterator[AsOf]:
    """Yield a day before go-live, then random days of valid time and of knowledge up to `latest`, edges among them."""
    yield AsOf(EDGE_DAYS[0], EDGE_DAYS[0])
    first = EDGE_DAYS[0].toordinal()
    for _ in range(count):
        known_at = date.fromordinal(rng.randint(first, latest.toordinal()))
        any_day = date.fromordinal(rng.randint(first, latest.toordinal()))
        yield AsOf(rng.choice([known_at, any_day, *(day for day in EDGE_DAYS if day <= latest)]), known_at)


def commit_all(versions: VersionsBuilder, history: list[Commit]) -> None:
    for transaction in history:
        moment = transaction.committed_at.replace(tzinfo=None).isoformat(" ")
        versions.commit(
            moment,
            *((CONTRACTS_BY_TABLE[table], op, dict(row)) for table, op, row in transaction.changes),
            tx_id=transaction.tx_id,
        )
    versions.write()


def read_gold_figures(lake: Lake, as_of: AsOf) -> tuple[Rows, Rows]:
    """Compute the figures as of a day, and return Gold's primes and wellbeing days by employee_id."""
    figures_as_of(lake, Run(as_of.valid_at, NO_OFFSETS), as_of, GO_LIVE)

    def rows_as_of(table: str) -> Rows:
        return collect_by_key(lake.read("gold", table).where(as_of.predicate()), "employee_id")

    primes = {
        employee_id: (
            row.business_unit,
            row.salaire_brut,
            row.distance_km,
            row.distance_source,
            row.motif,
            row.montant_prime,
        )
        for employee_id, row in rows_as_of("prime_sportive_au").items()
    }
    days = {
        employee_id: (row.nb_activities_year, row.first_activity_date, row.last_activity_date, row.jours_bien_etre,
                      row.activites_manquantes)
        for employee_id, row in rows_as_of("wellbeing_au").items()
    }  # fmt: skip
    return primes, days


def oracle_figures(history: list[Commit], as_of: AsOf) -> tuple[Rows, Rows]:
    """Return the oracle's primes and wellbeing days by employee_id."""
    oracle_as_of = OracleAsOf(as_of.valid_at, as_of.known_at, GO_LIVE.live_since, GO_LIVE.tx_id)
    primes = {
        employee_id: (row.business_unit, float(row.salary), None if row.distance_m is None else row.distance_m / 1000,
                      row.distance_source, row.motif, row.amount)
        for employee_id, row in bitemporal_oracle.prime(history, oracle_as_of).items()
    }  # fmt: skip
    days = {
        employee_id: (row.activities, row.first and str(row.first), row.last and str(row.last), row.days, row.missing)
        for employee_id, row in bitemporal_oracle.wellbeing(history, oracle_as_of).items()
    }
    return primes, days
