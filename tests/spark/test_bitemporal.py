"""Bitemporal state: what was valid on one day as it was known on another, hazard by hazard."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from lakehouse.cdc.lake import Lake
from lakehouse.cdc.table_store import TableStore
from lakehouse.refresh.table_setup import create_tables
from spark.builders import BY_BICYCLE, ON_FOOT
from spark.versions_builder import GO_LIVE, JULY, JUNE, VersionsBuilder, activity, distance, employee, rule


@pytest.fixture
def versions(spark: SparkSession, tmp_path: Path) -> VersionsBuilder:
    lake = Lake(spark, TableStore(str(tmp_path)))
    create_tables(lake.store)
    return VersionsBuilder(lake)


def test_rows_present_at_go_live_are_valid_and_known_before_it(versions: VersionsBuilder) -> None:
    versions.commit("2026-01-15 11:00", employee("r", 1))
    versions.commit("2026-01-15 11:30", employee("c", 2), activity("c", 5, 2, "2025-07-01 10:00"))
    versions.commit("2026-01-15 12:00:00.003", employee("c", 3), tx_id=GO_LIVE.tx_id)
    versions.commit("2026-01-15 12:01", employee("c", 4))
    assert set(versions.travel_modes(date(2025, 6, 30))) == {1, 2, 3}
    assert versions.activity_ids(date(2025, 12, 31)) == {5}
    assert set(versions.travel_modes(date(2026, 1, 15))) == {1, 2, 3, 4}


@pytest.mark.long
def test_row_found_by_a_resnapshot_was_not_known_before_it(versions: VersionsBuilder) -> None:
    versions.commit("2026-01-15 11:00", employee("r", 1))
    versions.commit("2026-02-01 10:00", employee("c", 2))
    contract, _, row = employee("r", 3)
    versions.commit("2026-03-01 10:00", (contract, "r", {**row, "_lsn": 5_000}))
    assert set(versions.travel_modes(date(2026, 2, 15))) == {1, 2}
    assert set(versions.travel_modes(date(2026, 3, 1))) == {1, 2, 3}


def test_row_found_by_a_resnapshot_of_an_unchanged_table_was_not_known_before(versions: VersionsBuilder) -> None:
    versions.commit("2026-01-15 11:00", rule("r", date(2000, 1, 1), "0.05"))
    versions.commit("2026-02-01 10:00", activity("c", 5))
    contract, _, row = rule("r", date(2026, 7, 1), "0.06")
    versions.commit("2026-08-01 10:00", (contract, "r", {**row, "_lsn": 5_000}))
    day = date(2026, 7, 5)
    assert versions.bonus_rates(day, day) == {Decimal("0.0500")}
    assert versions.bonus_rates(day, date(2026, 8, 1)) == {Decimal("0.0500"), Decimal("0.0600")}


def test_implicit_delete_of_an_employee_ends_their_activities_from_that_day(versions: VersionsBuilder) -> None:
    versions.commit(
        "2026-01-15 11:00", employee("r", 1, valable_depuis=date(2025, 6, 1)), activity("r", 5), employee("r", 2)
    )
    versions.commit("2026-02-01 10:00", activity("c", 6, 2))
    resnapshot_lineage = {"_last_commit_lsn": None, "_lsn": 5_000}
    implicit_deletes = [
        (contract, op, {**row, **resnapshot_lineage}) for contract, op, row in (employee("d", 1), activity("d", 5))
    ]
    versions.commit("2026-07-10 10:00", *implicit_deletes)
    assert set(versions.travel_modes(JUNE, known_at=JULY)) == {1, 2}
    assert versions.activity_ids(JUNE, known_at=JULY) == {5, 6}
    assert set(versions.travel_modes(JULY)) == {2}
    assert versions.activity_ids(JULY) == {6}


def test_employee_change_is_valid_from_its_commit_day_in_paris(versions: VersionsBuilder) -> None:
    versions.commit("2026-01-15 11:00", employee("r", 1))
    versions.commit("2026-06-29 22:30", employee("u", 1, BY_BICYCLE))
    assert versions.travel_modes(date(2026, 6, 29)) == {1: ON_FOOT}
    assert versions.travel_modes(date(2026, 6, 30)) == {1: BY_BICYCLE}
    assert versions.travel_modes(date(2026, 6, 29), known_at=JULY) == {1: ON_FOOT}


def test_retroactive_correction_is_visible_only_with_a_later_known_at(versions: VersionsBuilder) -> None:
    versions.commit("2026-01-15 11:00", employee("r", 1))
    before = versions.travel_modes(JUNE)
    versions.commit("2026-07-10 10:00", employee("u", 1, BY_BICYCLE, valable_depuis=date(2026, 6, 1)))
    assert versions.travel_modes(JUNE) == before == {1: ON_FOOT}
    assert versions.travel_modes(JUNE, known_at=JULY) == {1: BY_BICYCLE}
    assert versions.travel_modes(date(2026, 5, 31), known_at=JULY) == {1: ON_FOOT}


@pytest.mark.long
def test_last_committed_version_wins_even_with_an_earlier_valid_from(versions: VersionsBuilder) -> None:
    versions.commit("2026-01-15 11:00", employee("r", 1))
    versions.commit("2026-06-15 10:00", employee("u", 1, "Transports en commun"))
    versions.commit("2026-07-10 10:00", employee("u", 1, BY_BICYCLE, valable_depuis=date(2026, 6, 1)))
    assert versions.travel_modes(date(2026, 6, 20)) == {1: "Transports en commun"}
    assert versions.travel_modes(date(2026, 6, 20), known_at=JULY) == {1: BY_BICYCLE}


@pytest.mark.long
def test_employee_change_with_a_future_valid_from_applies_from_that_day(versions: VersionsBuilder) -> None:
    versions.commit("2026-01-15 11:00", employee("r", 1))
    versions.commit("2026-06-15 10:00", employee("u", 1, BY_BICYCLE, valable_depuis=date(2026, 7, 1)))
    assert versions.travel_modes(JUNE) == {1: ON_FOOT}
    assert versions.travel_modes(date(2026, 7, 1)) == {1: BY_BICYCLE}


@pytest.mark.long
def test_two_travel_mode_changes_in_a_month_each_apply_in_their_period(versions: VersionsBuilder) -> None:
    versions.commit("2026-01-15 11:00", employee("r", 1))
    versions.commit("2026-06-05 10:00", employee("u", 1, BY_BICYCLE))
    versions.commit("2026-06-20 10:00", employee("u", 1, ON_FOOT))
    days = [date(2026, 6, 4), date(2026, 6, 5), date(2026, 6, 19), date(2026, 6, 20)]
    assert [versions.travel_modes(day)[1] for day in days] == [ON_FOOT, BY_BICYCLE, BY_BICYCLE, ON_FOOT]


def test_employee_hired_after_the_day_is_absent(versions: VersionsBuilder) -> None:
    versions.commit("2026-01-15 11:00", employee("r", 1, date_embauche=date(2026, 7, 1)), employee("r", 2))
    assert set(versions.travel_modes(JUNE)) == {2}
    assert set(versions.travel_modes(date(2026, 7, 1))) == {1, 2}


def test_employee_delete_ends_their_activities_from_that_day_only(versions: VersionsBuilder) -> None:
    versions.commit("2026-01-15 11:00", employee("r", 1), activity("r", 5), activity("r", 6, 2), employee("r", 2))
    versions.commit("2026-07-10 10:00", employee("d", 1), activity("d", 5))
    for known_at in (JUNE, JULY):
        assert set(versions.travel_modes(JUNE, known_at)) == {1, 2}
        assert versions.activity_ids(JUNE, known_at) == {5, 6}
    assert set(versions.travel_modes(JULY)) == {2}
    assert versions.activity_ids(JULY) == {6}


def test_load_with_an_effective_date_sets_the_leave_date_too(versions: VersionsBuilder) -> None:
    versions.commit("2026-01-15 11:00", employee("r", 1), activity("r", 5))
    leaving = employee("u", 1, valable_depuis=date(2026, 6, 15))
    versions.commit("2026-07-10 10:00", leaving, employee("d", 1), activity("d", 5))
    assert set(versions.travel_modes(JUNE)) == {1}
    assert versions.travel_modes(JUNE, known_at=JULY) == {}
    assert versions.activity_ids(JUNE, known_at=JULY) == set()
    assert set(versions.travel_modes(date(2026, 6, 14), known_at=JULY)) == {1}
    assert versions.activity_ids(date(2026, 6, 14), known_at=JULY) == {5}


@pytest.mark.long
def test_leave_date_is_read_from_a_refused_row_too(versions: VersionsBuilder) -> None:
    versions.commit("2026-01-15 11:00", employee("r", 1))
    contract, op, row = employee("u", 1, valable_depuis=date(2026, 6, 15))
    versions.commit(
        "2026-07-10 10:00", (contract, op, {**row, "_reasons": ["embauche avant la naissance"]}), employee("d")
    )
    assert versions.travel_modes(JUNE, known_at=JULY) == {}
    assert set(versions.travel_modes(date(2026, 6, 14), known_at=JULY)) == {1}


def test_employee_who_left_and_returned_is_absent_in_between(versions: VersionsBuilder) -> None:
    versions.commit("2026-01-15 11:00", employee("r", 1), activity("r", 5))
    versions.commit("2026-03-01 10:00", employee("d", 1), activity("d", 5))
    versions.commit("2026-05-01 10:00", employee("c", 1, BY_BICYCLE))
    versions.commit("2026-05-02 10:00", activity("c", 8))
    assert [versions.travel_modes(day) for day in (date(2026, 2, 28), date(2026, 4, 1), JUNE)] == [
        {1: ON_FOOT},
        {},
        {1: BY_BICYCLE},
    ]
    assert versions.activity_ids(JUNE) == {8}


def test_activity_deleted_alone_never_counted_with_a_later_known_at(versions: VersionsBuilder) -> None:
    versions.commit("2026-01-15 11:00", employee("r", 1))
    versions.commit("2026-05-02 10:00", activity("c", 5))
    versions.commit("2026-07-10 10:00", activity("d", 5))
    assert versions.activity_ids(JUNE) == {5}
    assert versions.activity_ids(JUNE, known_at=JULY) == set()


@pytest.mark.long
def test_distance_applies_from_the_day_it_was_known(versions: VersionsBuilder) -> None:
    versions.commit("2026-01-15 12:05", distance("c", 9_000))
    versions.commit("2026-01-16 10:00", distance("u", 12_000))
    versions.commit("2026-07-10 10:00", distance("u", 30_000))

    def known_distances(as_of: date, known_at: date) -> list[int]:
        return [row.distance_m for row in versions.state(as_of, known_at).distances.collect()]

    assert known_distances(date(2025, 6, 30), date(2025, 6, 30)) == [9_000]
    assert known_distances(date(2026, 1, 15), date(2026, 1, 15)) == [9_000]
    assert known_distances(JUNE, JUNE) == [12_000]
    assert known_distances(JUNE, JULY) == [30_000]


@pytest.mark.long
def test_backdated_rule_applies_only_with_a_later_known_at(versions: VersionsBuilder) -> None:
    versions.commit("2026-01-15 11:00", rule("r", date(2000, 1, 1), "0.05"))
    versions.commit("2026-07-10 10:00", rule("c", date(2026, 6, 1), "0.06"))
    assert versions.bonus_rates(JUNE, JUNE) == {Decimal("0.0500")}
    assert versions.bonus_rates(JUNE, JULY) == {Decimal("0.0500"), Decimal("0.0600")}


def test_refused_version_leaves_the_previous_one_valid(versions: VersionsBuilder) -> None:
    versions.commit("2026-01-15 11:00", employee("r", 1))
    contract, op, row = employee("u", 1, BY_BICYCLE)
    versions.commit("2026-05-01 10:00", (contract, op, {**row, "_reasons": ["salaire négatif"]}))
    assert versions.travel_modes(JUNE) == {1: ON_FOOT}


def test_without_go_live_only_initial_snapshot_rows_are_valid_before_their_commit(versions: VersionsBuilder) -> None:
    versions.commit("2026-01-15 11:00", employee("r", 1))
    versions.commit("2026-01-15 11:30", employee("c", 2))
    assert {row.id for row in versions.state(date(2025, 6, 30), live=None).employees.collect()} == {1}
