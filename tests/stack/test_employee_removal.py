"""Employees missing from a new HR file are deleted; a mass delete is refused as a wrong file."""

from datetime import date
from pathlib import Path

import pytest

from lakehouse.errors import BadInput, LakehouseError
from lakehouse.settings import Settings
from stack.hr_load import execute, fetch_all_tables, fetch_rows, load_hr_files, staff_who_run
from support.hr_files import employee, practice, staff


def test_removed_employee_is_deleted_with_sports_and_activities(database: Settings, tmp_path: Path) -> None:
    hr, sports = staff_who_run(10)
    load_hr_files(database, tmp_path, hr, *sports, history_months=2)
    lines = load_hr_files(database, tmp_path, hr[:8], *sports[:8])
    assert "rh_employees      8 lignes (nouvelles : 0, modifiées : 0, supprimées : 2)" in lines
    assert fetch_rows(database, "SELECT max(id) FROM rh_employees") == [(8,)]
    assert fetch_rows(database, "SELECT max(id) FROM sport_activities") == [(8,)]
    assert fetch_rows(database, "SELECT max(employee_id) FROM strava_activities") == [(8,)]


def test_employee_who_stops_a_sport_keeps_their_activities(database: Settings, tmp_path: Path) -> None:
    hr, sports = staff_who_run(2)
    load_hr_files(database, tmp_path, hr, *sports, history_months=2)
    before = fetch_rows(database, "SELECT count(*) FROM strava_activities")
    load_hr_files(database, tmp_path, hr, sports[0])
    assert fetch_rows(database, "SELECT id FROM sport_activities") == [(1,)]
    assert fetch_rows(database, "SELECT count(*) FROM strava_activities") == before


def test_mass_delete_of_over_a_fifth_is_refused_and_changes_nothing(database: Settings, tmp_path: Path) -> None:
    load_hr_files(database, tmp_path, staff(10))
    before = fetch_all_tables(database)
    with pytest.raises(BadInput, match=r"^DonneesRH\.xlsx : 3 salariés sur 10 .* --allow-mass-delete") as refused:
        load_hr_files(database, tmp_path, [*staff(7), *(employee(id=number) for number in range(20, 60))])
    assert "Rien n'a été chargé." in str(refused.value)
    assert fetch_all_tables(database) == before


def test_delete_of_a_fifth_is_accepted(database: Settings, tmp_path: Path) -> None:
    load_hr_files(database, tmp_path, staff(10))
    load_hr_files(database, tmp_path, staff(8))
    assert fetch_rows(database, "SELECT count(*) FROM rh_employees") == [(8,)]


def test_mass_delete_is_accepted_with_allow_mass_delete(database: Settings, tmp_path: Path) -> None:
    load_hr_files(database, tmp_path, staff(10))
    load_hr_files(database, tmp_path, staff(1), allow_mass_delete=True)
    assert fetch_rows(database, "SELECT count(*) FROM rh_employees") == [(1,)]


def test_refused_hr_file_changes_neither_postgres_nor_the_cleaned_files(database: Settings, tmp_path: Path) -> None:
    load_hr_files(database, tmp_path, staff(10))
    cleaned = {file: file.read_bytes() for file in (tmp_path / "output").iterdir()}
    before = fetch_all_tables(database)
    with pytest.raises(BadInput):
        load_hr_files(database, tmp_path, [*staff(9), employee(id=11, salaire="beaucoup")])
    assert fetch_all_tables(database) == before
    assert {file: file.read_bytes() for file in (tmp_path / "output").iterdir()} == cleaned


def test_load_that_fails_midway_is_rolled_back(database: Settings, tmp_path: Path) -> None:
    load_hr_files(database, tmp_path, staff(10), practice(1, "Judo"))
    execute(database, "ALTER TABLE sport_activities ADD CHECK (pratique_sport <> 'Boxe')")
    before = fetch_all_tables(database)
    with pytest.raises(LakehouseError, match="CheckViolation, table sport_activities") as failed:
        load_hr_files(database, tmp_path, staff(9), practice(1, "Boxe"), effective_from=date(2026, 9, 1))
    assert "Boxe" not in str(failed.value)
    assert fetch_all_tables(database) == before
    assert sorted(file.name for file in (tmp_path / "output").iterdir()) == ["rh_employees.csv", "sport_activities.csv"]
    assert len((tmp_path / "output" / "rh_employees.csv").read_text(encoding="utf-8").splitlines()) == 11
