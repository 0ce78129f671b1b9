"""The oracle itself knows the worked examples of the product's rules."""

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hr_files import company, employee
from lakehouse.settings import ROOT
from lakehouse.source.hr.company import read_company
from oracle import Employee, employees, prime, wellbeing

HOME, WORK = "12 rue du Moulin, 34970 Lattes", "1362 Av. des Platanes, 34970 Lattes"
RULES: dict[str, Any] = {
    "valid_from": date(2000, 1, 1),
    "bonus_rate": Decimal("0.0500"),
    "walk_limit_m": 15_000,
    "bike_limit_m": 25_000,
    "min_activities": 15,
    "wellbeing_days": 5,
    "activity_window": "calendar_year",
    "destination": WORK,
}
JULIETTE = Employee(1, "Ventes", Decimal("52770.00"), HOME, "bicycling")


def distance(metres: int | None, mode: str = "bicycling", **changed: Any) -> dict[str, Any]:
    asked = {"origin_address": HOME, "destination_address": WORK, "travel_mode": mode}
    return {**asked, "distance_m": metres, "provider": "estimate", "status": "ok", **changed}


def done(start: str, **changed: Any) -> dict[str, Any]:
    begun = datetime.fromisoformat(start).replace(tzinfo=timezone.utc)
    row = {"employee_id": 1, "start_date_utc": begun, "created_at": begun, "distance_m": None, "moving_time_s": 60}
    return {**row, "elapsed_time_s": 60, "flagged": False, "raw_payload": {"athlete": {"id": 1}}, **changed}


def test_52770_euros_by_bicycle_earn_2638_50() -> None:
    assert prime([JULIETTE], [distance(16_160)], RULES)[1].amount == Decimal("2638.50")


@pytest.mark.parametrize(
    ("mode", "metres", "motif"),
    [("walking", 15_000, "eligible"), ("walking", 15_001, "distance_incoherente"), ("bicycling", 25_000, "eligible"),
     ("bicycling", 25_001, "distance_incoherente"), ("walking", None, "distance_inconnue"),
     ("driving", 1, "mode_non_eligible")],
)  # fmt: skip
def test_the_limit_is_within(mode: str, metres: int | None, motif: str) -> None:
    someone = Employee(1, "Ventes", Decimal("52770.00"), HOME, mode)
    assert prime([someone], [distance(metres, mode)], RULES)[1].motif == motif


def test_half_a_cent_goes_up() -> None:
    someone = Employee(1, "Ventes", Decimal("1000.10"), HOME, "bicycling")
    assert prime([someone], [distance(1)], RULES)[1].amount == Decimal("50.01")


def test_google_beats_an_estimate_also_when_it_failed() -> None:
    answers = [distance(1), distance(30_000, provider="google")]
    assert prime([JULIETTE], answers, RULES)[1].motif == "distance_incoherente"
    answers = [distance(1), distance(None, provider="google", status="failed")]
    assert prime([JULIETTE], answers, RULES)[1].motif == "distance_inconnue"


@pytest.mark.parametrize(("count", "days", "missing"), [(14, 0, 1), (15, 5, 0)])
def test_fifteen_activities_earn_five_days(count: int, days: int, missing: int) -> None:
    rows = [done("2026-03-01T10:00")] * count
    found = wellbeing([JULIETTE], rows, [RULES], date(2026, 11, 21))[1, 2026]
    assert (found.days, found.missing) == (days, missing)


def test_the_last_hour_of_utcs_year_counts_for_the_next() -> None:
    found = wellbeing([JULIETTE], [done("2025-12-31T23:30")], [RULES], date(2026, 11, 21))
    assert found[1, 2026].activities == 1
    assert (1, 2025) not in found


@pytest.mark.parametrize(
    "wrong",
    [{"distance_m": -1}, {"elapsed_time_s": -1}, {"elapsed_time_s": 59}, {"distance_m": 1_501}, {"flagged": True},
     {"raw_payload": {"athlete": {"id": 2}}},
     {"created_at": datetime(2026, 3, 1, 10, tzinfo=timezone.utc) - timedelta(hours=1, seconds=1)}],
)  # fmt: skip
def test_what_could_not_be_done_does_not_count(wrong: dict[str, Any]) -> None:
    rows = [done("2026-03-01T10:00"), done("2026-03-01T10:00", **wrong)]
    assert wellbeing([JULIETTE], rows, [RULES], date(2026, 11, 21))[1, 2026].activities == 1


def test_a_rolling_window_leaves_out_the_same_day_a_year_ago() -> None:
    rows = [done("2025-11-21T10:00"), done("2025-11-22T10:00"), done("2026-11-21T10:00"), done("2026-11-22T10:00")]
    rolling = {**RULES, "activity_window": "rolling_12_months"}
    found = wellbeing([JULIETTE], rows, [rolling], date(2026, 11, 21))
    assert {key: row.activities for key, row in found.items()} == {(1, 2026): 2}


def test_a_year_that_is_over_keeps_the_rules_of_its_last_day() -> None:
    rows = [done("2025-03-01T10:00"), done("2026-03-01T10:00")]
    later = {**RULES, "valid_from": date(2026, 1, 1), "min_activities": 1}
    found = wellbeing([JULIETTE], rows, [later, RULES], date(2026, 11, 21))
    assert {key: row.days for key, row in found.items()} == {(1, 2025): 0, (1, 2026): 5}


def test_both_half_past_twos_of_the_last_sunday_in_october_count() -> None:
    rows = [done("2026-10-25T00:30"), done("2026-10-25T01:30")]
    found = wellbeing([JULIETTE], rows, [RULES], date(2026, 10, 25))[1, 2026]
    assert (found.activities, str(found.first), str(found.last)) == (2, *["2026-10-25 02:30:00"] * 2)


@pytest.mark.parametrize(
    ("as_of", "first", "before"),
    [(date(2028, 2, 29), "2027-03-01T10:00", "2027-02-28T10:00"),
     (date(2029, 2, 28), "2028-02-29T10:00", "2028-02-28T10:00")],
)  # fmt: skip
def test_a_rolling_window_around_a_leap_day(as_of: date, first: str, before: str) -> None:
    rolling = {**RULES, "activity_window": "rolling_12_months"}
    found = wellbeing([JULIETTE], [done(first), done(before)], [rolling], as_of)
    assert {key: row.activities for key, row in found.items()} == {(1, as_of.year): 1}


@pytest.mark.parametrize("folder", [ROOT / "data" / "input", None])
def test_it_reads_the_workbook_as_the_loader_does(folder: Path | None, tmp_path: Path) -> None:
    folder = folder or company(tmp_path, [employee(salaire="52 770,00 €")])
    loaded = {each.id: (each.salaire_brut, each.adresse_complete) for each in read_company(folder).employees}
    assert {each.id: (each.salary, each.address) for each in employees(folder)} == loaded
