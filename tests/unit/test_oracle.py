"""The oracle computes the results of the product's worked examples."""

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from lakehouse.hr.company_files import read_company
from lakehouse.settings import ROOT
from support.hr_files import employee, write_company_files
from support.oracle import Employee, prime, read_employees, wellbeing, without_doubles

HOME, WORK = "12 rue du Moulin, 34970 Lattes", "1362 Av. des Platanes, 34970 Lattes"
RULES_ROW: dict[str, Any] = {
    "valid_from": date(2000, 1, 1),
    "bonus_rate": Decimal("0.0500"),
    "walk_limit_m": 15_000,
    "bike_limit_m": 25_000,
    "min_activities": 15,
    "wellbeing_days": 5,
    "activity_window": "calendar_year",
    "destination": WORK,
}
ACTIVITY_IDS = count(1)
JULIETTE = Employee(1, "Ventes", Decimal("52770.00"), HOME, "bicycling")


def distance_row(metres: int | None, mode: str = "bicycling", **fields: Any) -> dict[str, Any]:
    route = {"origin_address": HOME, "destination_address": WORK, "travel_mode": mode}
    return {**route, "distance_m": metres, "provider": "estimate", "status": "ok", **fields}


def activity_row(start: str, **fields: Any) -> dict[str, Any]:
    started_at = datetime.fromisoformat(start).replace(tzinfo=timezone.utc)
    row = {
        "activity_id": next(ACTIVITY_IDS),
        "employee_id": 1,
        "start_date_utc": started_at,
        "created_at": started_at,
        "distance_m": None,
        "moving_time_s": 60,
    }
    return {**row, "elapsed_time_s": 60, "flagged": False, "raw_payload": {"athlete": {"id": 1}}, **fields}


def test_52770_euros_by_bicycle_earn_2638_50() -> None:
    assert prime([JULIETTE], [distance_row(16_160)], RULES_ROW)[1].amount == Decimal("2638.50")


@pytest.mark.parametrize(
    ("mode", "metres", "motif"),
    [("walking", 15_000, "eligible"), ("walking", 15_001, "distance_incoherente"), ("bicycling", 25_000, "eligible"),
     ("bicycling", 25_001, "distance_incoherente"), ("walking", None, "distance_inconnue"),
     ("driving", 1, "mode_non_eligible")],
)  # fmt: skip
def test_oracle_distance_at_the_limit_is_eligible(mode: str, metres: int | None, motif: str) -> None:
    someone = Employee(1, "Ventes", Decimal("52770.00"), HOME, mode)
    assert prime([someone], [distance_row(metres, mode)], RULES_ROW)[1].motif == motif


def test_oracle_prime_with_half_a_cent_is_rounded_up() -> None:
    someone = Employee(1, "Ventes", Decimal("1000.10"), HOME, "bicycling")
    assert prime([someone], [distance_row(1)], RULES_ROW)[1].amount == Decimal("50.01")


def test_oracle_google_distance_overrides_the_estimate_even_when_it_failed() -> None:
    distance_rows = [distance_row(1), distance_row(30_000, provider="google")]
    assert prime([JULIETTE], distance_rows, RULES_ROW)[1].motif == "distance_incoherente"
    distance_rows = [distance_row(1), distance_row(None, provider="google", status="failed")]
    assert prime([JULIETTE], distance_rows, RULES_ROW)[1].motif == "distance_inconnue"


@pytest.mark.parametrize(("last_day", "days", "missing"), [(14, 0, 1), (15, 5, 0)])
def test_fifteen_activities_earn_five_days(last_day: int, days: int, missing: int) -> None:
    rows = [activity_row(f"2026-03-{day:02}T10:00") for day in range(1, last_day + 1)]
    row = wellbeing([JULIETTE], rows, [RULES_ROW], date(2026, 11, 21))[1, 2026]
    assert (row.days, row.missing) == (days, missing)


def test_oracle_last_utc_hour_of_a_year_counts_for_the_next_year_in_paris() -> None:
    days_by_year = wellbeing([JULIETTE], [activity_row("2025-12-31T23:30")], [RULES_ROW], date(2026, 11, 21))
    assert days_by_year[1, 2026].activities == 1
    assert (1, 2025) not in days_by_year


@pytest.mark.parametrize(
    "wrong",
    [{"distance_m": -1}, {"elapsed_time_s": -1}, {"elapsed_time_s": 59}, {"distance_m": 1_501}, {"flagged": True},
     {"raw_payload": {"athlete": {"id": 2}}},
     {"created_at": datetime(2026, 3, 1, 10, tzinfo=timezone.utc) - timedelta(hours=1, seconds=1)}],
)  # fmt: skip
def test_oracle_invalid_or_flagged_activity_does_not_count(wrong: dict[str, Any]) -> None:
    rows = [activity_row("2026-02-01T10:00"), activity_row("2026-03-01T10:00", **wrong)]
    assert wellbeing([JULIETTE], rows, [RULES_ROW], date(2026, 11, 21))[1, 2026].activities == 1


def test_oracle_rolling_window_excludes_the_same_day_a_year_ago() -> None:
    rows = [
        activity_row("2025-11-21T10:00"),
        activity_row("2025-11-22T10:00"),
        activity_row("2026-11-21T10:00"),
        activity_row("2026-11-22T10:00"),
    ]
    rolling = {**RULES_ROW, "activity_window": "rolling_12_months"}
    days_by_year = wellbeing([JULIETTE], rows, [rolling], date(2026, 11, 21))
    assert {key: row.activities for key, row in days_by_year.items()} == {(1, 2026): 2}


def test_oracle_past_year_uses_the_rules_of_its_last_day() -> None:
    rows = [activity_row("2025-03-01T10:00"), activity_row("2026-03-01T10:00")]
    later = {**RULES_ROW, "valid_from": date(2026, 1, 1), "min_activities": 1}
    days_by_year = wellbeing([JULIETTE], rows, [later, RULES_ROW], date(2026, 11, 21))
    assert {key: row.days for key, row in days_by_year.items()} == {(1, 2025): 0, (1, 2026): 5}


def test_oracle_both_hours_of_the_autumn_clock_change_count() -> None:
    rows = [activity_row("2026-10-25T00:30"), activity_row("2026-10-25T01:30")]
    row = wellbeing([JULIETTE], rows, [RULES_ROW], date(2026, 10, 25))[1, 2026]
    assert (row.activities, str(row.first), str(row.last)) == (2, *["2026-10-25 02:30:00"] * 2)


@pytest.mark.parametrize(
    ("as_of", "first", "before"),
    [(date(2028, 2, 29), "2027-03-01T10:00", "2027-02-28T10:00"),
     (date(2029, 2, 28), "2028-02-29T10:00", "2028-02-28T10:00")],
)  # fmt: skip
def test_oracle_rolling_window_around_a_leap_day_is_one_year(as_of: date, first: str, before: str) -> None:
    rolling = {**RULES_ROW, "activity_window": "rolling_12_months"}
    days_by_year = wellbeing([JULIETTE], [activity_row(first), activity_row(before)], [rolling], as_of)
    assert {key: row.activities for key, row in days_by_year.items()} == {(1, as_of.year): 1}


@pytest.mark.parametrize("folder", [ROOT / "data" / "input", None])
def test_oracle_reads_the_workbook_as_the_loader_does(folder: Path | None, tmp_path: Path) -> None:
    folder = folder or write_company_files(tmp_path, [employee(salaire="52 770,00 €")])
    employees = read_company(folder).employees.to_dict("records")
    loaded = {row["id"]: (row["salaire_brut"], row["adresse_complete"]) for row in employees}
    assert {row.id: (row.salary, row.address) for row in read_employees(folder)} == loaded


@pytest.mark.parametrize(
    ("second_start", "second_s", "counted"),
    [("2026-03-01T10:29:59", 3_600, 1), ("2026-03-01T10:30", 3_600, 2), ("2026-03-01T10:50", 60, 1),
     ("2026-03-01T10:59:30", 60, 2), ("2026-03-01T10:59:29", 60, 1), ("2026-03-01T11:00", 60, 2),
     ("2026-03-01T10:10", 0, 2), ("2026-03-01T10:00", 3_600, 1)],
)  # fmt: skip
def test_oracle_activity_that_repeats_more_than_half_of_the_shorter_one_does_not_count(
    second_start: str, second_s: int, counted: int
) -> None:
    first = activity_row("2026-03-01T10:00", moving_time_s=None, elapsed_time_s=3_600)
    second = activity_row(second_start, moving_time_s=second_s, elapsed_time_s=None)
    assert len([*without_doubles([second, first])]) == counted
    assert len([*without_doubles([second, {**first, "employee_id": 2}])]) == 2
    row = wellbeing([JULIETTE], [second, first], [RULES_ROW], date(2026, 11, 21))[1, 2026]
    assert (row.activities, str(row.first)) == (counted, "2026-03-01 11:00:00")


def test_oracle_double_does_not_make_another_one_a_double() -> None:
    rows = [activity_row(f"2026-03-01T{start}", elapsed_time_s=3_600) for start in ("10:00", "10:20", "10:40")]
    assert [*without_doubles(rows)] == [rows[0], rows[2]]
