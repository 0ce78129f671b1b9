"""What held on a day, as it was known on another: valid time and the time of knowing, hazard by hazard."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from lakehouse.cdc.catalog import Catalog
from lakehouse.cdc.lake import Lake
from lakehouse.gold.refresh import make_tables
from spark.builders import BY_BICYCLE, ON_FOOT
from spark.past import JULY, JUNE, LIVE, Past, activity, distance, employee, rule


@pytest.fixture
def past(spark: SparkSession, tmp_path: Path) -> Past:
    lake = Lake(spark, Catalog(str(tmp_path)))
    make_tables(lake.catalog)
    return Past(lake)


def test_what_was_there_at_go_live_was_known_and_true_before(past: Past) -> None:
    past.commit("2026-01-15 11:00", employee("r", 1))
    past.commit("2026-01-15 11:30", employee("c", 2), activity("c", 5, 2, "2025-07-01 10:00"))
    past.commit("2026-01-15 12:00:00.003", employee("c", 3), tx_id=LIVE.tx_id)
    past.commit("2026-01-15 12:01", employee("c", 4))
    assert set(past.modes(date(2025, 6, 30))) == {1, 2, 3}
    assert past.done(date(2025, 12, 31)) == {5}
    assert set(past.modes(date(2026, 1, 15))) == {1, 2, 3, 4}


@pytest.mark.long
def test_what_a_snapshot_after_the_first_change_found_was_not_known_before(past: Past) -> None:
    past.commit("2026-01-15 11:00", employee("r", 1))
    past.commit("2026-02-01 10:00", employee("c", 2))
    contract, _, row = employee("r", 3)
    past.commit("2026-03-01 10:00", (contract, "r", {**row, "_lsn": 5_000}))
    assert set(past.modes(date(2026, 2, 15))) == {1, 2}
    assert set(past.modes(date(2026, 3, 1))) == {1, 2, 3}


def test_what_a_later_snapshot_found_was_not_known_before_though_its_table_never_changed(past: Past) -> None:
    past.commit("2026-01-15 11:00", rule("r", date(2000, 1, 1), "0.05"))
    past.commit("2026-02-01 10:00", activity("c", 5))
    contract, _, row = rule("r", date(2026, 7, 1), "0.06")
    past.commit("2026-08-01 10:00", (contract, "r", {**row, "_lsn": 5_000}))
    day = date(2026, 7, 5)
    assert past.rates(day, day) == {Decimal("0.0500")}
    assert past.rates(day, date(2026, 8, 1)) == {Decimal("0.0500"), Decimal("0.0600")}


def test_who_was_gone_when_a_later_snapshot_looked_takes_the_activities_along_from_then_on(past: Past) -> None:
    past.commit(
        "2026-01-15 11:00", employee("r", 1, valable_depuis=date(2025, 6, 1)), activity("r", 5), employee("r", 2)
    )
    past.commit("2026-02-01 10:00", activity("c", 6, 2))
    swept = {"_commit_seq": None, "_lsn": 5_000}
    gone = [(contract, op, {**row, **swept}) for contract, op, row in (employee("d", 1), activity("d", 5))]
    past.commit("2026-07-10 10:00", *gone)
    assert set(past.modes(JUNE, known_at=JULY)) == {1, 2}
    assert past.done(JUNE, known_at=JULY) == {5, 6}
    assert set(past.modes(JULY)) == {2}
    assert past.done(JULY) == {6}


def test_a_row_of_hr_holds_from_the_day_in_paris_of_its_commit(past: Past) -> None:
    past.commit("2026-01-15 11:00", employee("r", 1))
    past.commit("2026-06-29 22:30", employee("u", 1, BY_BICYCLE))
    assert past.modes(date(2026, 6, 29)) == {1: ON_FOOT}
    assert past.modes(date(2026, 6, 30)) == {1: BY_BICYCLE}
    assert past.modes(date(2026, 6, 29), known_at=JULY) == {1: ON_FOOT}


def test_a_correction_of_july_about_june_changes_june_for_who_asks_with_july_s_knowledge(past: Past) -> None:
    past.commit("2026-01-15 11:00", employee("r", 1))
    before = past.modes(JUNE)
    past.commit("2026-07-10 10:00", employee("u", 1, BY_BICYCLE, valable_depuis=date(2026, 6, 1)))
    assert past.modes(JUNE) == before == {1: ON_FOOT}
    assert past.modes(JUNE, known_at=JULY) == {1: BY_BICYCLE}
    assert past.modes(date(2026, 5, 31), known_at=JULY) == {1: ON_FOOT}


@pytest.mark.long
def test_what_is_told_last_of_a_day_counts_also_where_it_goes_back_further(past: Past) -> None:
    past.commit("2026-01-15 11:00", employee("r", 1))
    past.commit("2026-06-15 10:00", employee("u", 1, "Transports en commun"))
    past.commit("2026-07-10 10:00", employee("u", 1, BY_BICYCLE, valable_depuis=date(2026, 6, 1)))
    assert past.modes(date(2026, 6, 20)) == {1: "Transports en commun"}
    assert past.modes(date(2026, 6, 20), known_at=JULY) == {1: BY_BICYCLE}


@pytest.mark.long
def test_a_row_that_holds_from_a_day_to_come_waits_for_it(past: Past) -> None:
    past.commit("2026-01-15 11:00", employee("r", 1))
    past.commit("2026-06-15 10:00", employee("u", 1, BY_BICYCLE, valable_depuis=date(2026, 7, 1)))
    assert past.modes(JUNE) == {1: ON_FOOT}
    assert past.modes(date(2026, 7, 1)) == {1: BY_BICYCLE}


@pytest.mark.long
def test_who_changed_mode_twice_in_a_month_had_each_in_its_time(past: Past) -> None:
    past.commit("2026-01-15 11:00", employee("r", 1))
    past.commit("2026-06-05 10:00", employee("u", 1, BY_BICYCLE))
    past.commit("2026-06-20 10:00", employee("u", 1, ON_FOOT))
    days = [date(2026, 6, 4), date(2026, 6, 5), date(2026, 6, 19), date(2026, 6, 20)]
    assert [past.modes(day)[1] for day in days] == [ON_FOOT, BY_BICYCLE, BY_BICYCLE, ON_FOOT]


def test_who_was_hired_after_the_day_was_not_there(past: Past) -> None:
    past.commit("2026-01-15 11:00", employee("r", 1, date_embauche=date(2026, 7, 1)), employee("r", 2))
    assert set(past.modes(JUNE)) == {2}
    assert set(past.modes(date(2026, 7, 1))) == {1, 2}


def test_who_left_takes_the_activities_along_from_that_day_on_only(past: Past) -> None:
    past.commit("2026-01-15 11:00", employee("r", 1), activity("r", 5), activity("r", 6, 2), employee("r", 2))
    past.commit("2026-07-10 10:00", employee("d", 1), activity("d", 5))
    for known_at in (JUNE, JULY):
        assert set(past.modes(JUNE, known_at)) == {1, 2}
        assert past.done(JUNE, known_at) == {5, 6}
    assert set(past.modes(JULY)) == {2}
    assert past.done(JULY) == {6}


def test_a_load_that_says_since_when_says_it_of_leavers_too(past: Past) -> None:
    past.commit("2026-01-15 11:00", employee("r", 1), activity("r", 5))
    leaving = employee("u", 1, valable_depuis=date(2026, 6, 15))
    past.commit("2026-07-10 10:00", leaving, employee("d", 1), activity("d", 5))
    assert set(past.modes(JUNE)) == {1}
    assert past.modes(JUNE, known_at=JULY) == {}
    assert past.done(JUNE, known_at=JULY) == set()
    assert set(past.modes(date(2026, 6, 14), known_at=JULY)) == {1}
    assert past.done(date(2026, 6, 14), known_at=JULY) == {5}


def test_since_when_someone_left_is_told_by_a_row_that_is_refused_as_well(past: Past) -> None:
    past.commit("2026-01-15 11:00", employee("r", 1))
    contract, op, row = employee("u", 1, valable_depuis=date(2026, 6, 15))
    past.commit("2026-07-10 10:00", (contract, op, {**row, "_reasons": ["embauche avant la naissance"]}), employee("d"))
    assert past.modes(JUNE, known_at=JULY) == {}
    assert set(past.modes(date(2026, 6, 14), known_at=JULY)) == {1}


def test_who_left_and_came_back_was_away_in_between(past: Past) -> None:
    past.commit("2026-01-15 11:00", employee("r", 1), activity("r", 5))
    past.commit("2026-03-01 10:00", employee("d", 1), activity("d", 5))
    past.commit("2026-05-01 10:00", employee("c", 1, BY_BICYCLE))
    past.commit("2026-05-02 10:00", activity("c", 8))
    assert [past.modes(day) for day in (date(2026, 2, 28), date(2026, 4, 1), JUNE)] == [
        {1: ON_FOOT},
        {},
        {1: BY_BICYCLE},
    ]
    assert past.done(JUNE) == {8}


def test_an_activity_taken_back_by_itself_was_a_mistake_from_the_first(past: Past) -> None:
    past.commit("2026-01-15 11:00", employee("r", 1))
    past.commit("2026-05-02 10:00", activity("c", 5))
    past.commit("2026-07-10 10:00", activity("d", 5))
    assert past.done(JUNE) == {5}
    assert past.done(JUNE, known_at=JULY) == set()


@pytest.mark.long
def test_a_distance_counts_from_when_it_was_known(past: Past) -> None:
    past.commit("2026-01-15 12:05", distance("c", 9_000))
    past.commit("2026-01-16 10:00", distance("u", 12_000))
    past.commit("2026-07-10 10:00", distance("u", 30_000))

    def known(as_of: date, known_at: date) -> list[int]:
        return [row.distance_m for row in past.ask(as_of, known_at).distances.collect()]

    assert known(date(2025, 6, 30), date(2025, 6, 30)) == [9_000]
    assert known(date(2026, 1, 15), date(2026, 1, 15)) == [9_000]
    assert known(JUNE, JUNE) == [12_000]
    assert known(JUNE, JULY) == [30_000]


@pytest.mark.long
def test_a_rule_put_in_later_about_before_counts_from_when_it_was_known(past: Past) -> None:
    past.commit("2026-01-15 11:00", rule("r", date(2000, 1, 1), "0.05"))
    past.commit("2026-07-10 10:00", rule("c", date(2026, 6, 1), "0.06"))
    assert past.rates(JUNE, JUNE) == {Decimal("0.0500")}
    assert past.rates(JUNE, JULY) == {Decimal("0.0500"), Decimal("0.0600")}


def test_what_was_refused_leaves_what_held_before_it(past: Past) -> None:
    past.commit("2026-01-15 11:00", employee("r", 1))
    contract, op, row = employee("u", 1, BY_BICYCLE)
    past.commit("2026-05-01 10:00", (contract, op, {**row, "_reasons": ["salaire négatif"]}))
    assert past.modes(JUNE) == {1: ON_FOOT}


def test_without_a_go_live_only_the_first_snapshot_was_known_before(past: Past) -> None:
    past.commit("2026-01-15 11:00", employee("r", 1))
    past.commit("2026-01-15 11:30", employee("c", 2))
    assert {row.id for row in past.ask(date(2025, 6, 30), live=None).employees.collect()} == {1}
