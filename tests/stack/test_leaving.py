"""Who is not in a new HR file has left; too many at once is taken for a wrong file."""

from datetime import date
from pathlib import Path

import pytest

from hr_files import employee, practice, staff
from lakehouse.errors import BadInput, LakehouseError
from lakehouse.settings import Settings
from stack.loading import everything, load, rows, run, with_history


def test_who_left_goes_with_what_hangs_on_them(database: Settings, tmp_path: Path) -> None:
    hr, sports = with_history(10)
    load(database, tmp_path, hr, *sports, history_months=2)
    lines = load(database, tmp_path, hr[:8], *sports[:8])
    assert "rh_employees      8 rows: 0 new, 0 changed, 2 deleted" in lines
    assert rows(database, "SELECT max(id) FROM rh_employees") == [(8,)]
    assert rows(database, "SELECT max(id) FROM sport_activities") == [(8,)]
    assert rows(database, "SELECT max(employee_id) FROM strava_activities") == [(8,)]


def test_who_no_longer_says_to_practise_a_sport_keeps_their_activities(database: Settings, tmp_path: Path) -> None:
    hr, sports = with_history(2)
    load(database, tmp_path, hr, *sports, history_months=2)
    before = rows(database, "SELECT count(*) FROM strava_activities")
    load(database, tmp_path, hr, sports[0])
    assert rows(database, "SELECT id FROM sport_activities") == [(1,)]
    assert rows(database, "SELECT count(*) FROM strava_activities") == before


def test_over_a_fifth_leaving_is_refused_and_changes_nothing(database: Settings, tmp_path: Path) -> None:
    load(database, tmp_path, staff(10))
    before = everything(database)
    with pytest.raises(BadInput, match=r"^DonneesRH\.xlsx : 3 salariés sur 10 .* --allow-mass-delete") as refused:
        load(database, tmp_path, [*staff(7), *(employee(id=number) for number in range(20, 60))])
    assert "Rien n'a été chargé." in str(refused.value)
    assert everything(database) == before


def test_a_fifth_leaving_is_not(database: Settings, tmp_path: Path) -> None:
    load(database, tmp_path, staff(10))
    load(database, tmp_path, staff(8))
    assert rows(database, "SELECT count(*) FROM rh_employees") == [(8,)]


def test_over_a_fifth_leaving_may_be_meant(database: Settings, tmp_path: Path) -> None:
    load(database, tmp_path, staff(10))
    load(database, tmp_path, staff(1), allow_mass_delete=True)
    assert rows(database, "SELECT count(*) FROM rh_employees") == [(1,)]


def test_a_file_that_is_refused_leaves_postgres_and_the_cleaned_files_alone(database: Settings, tmp_path: Path) -> None:
    load(database, tmp_path, staff(10))
    cleaned = {file: file.read_bytes() for file in (tmp_path / "output").iterdir()}
    before = everything(database)
    with pytest.raises(BadInput):
        load(database, tmp_path, [*staff(9), employee(id=11, salaire="beaucoup")])
    assert everything(database) == before
    assert {file: file.read_bytes() for file in (tmp_path / "output").iterdir()} == cleaned


def test_a_load_that_fails_in_the_middle_is_undone_whole(database: Settings, tmp_path: Path) -> None:
    load(database, tmp_path, staff(10), practice(1, "Judo"))
    run(database, "ALTER TABLE sport_activities ADD CHECK (pratique_sport <> 'Boxe')")
    before = everything(database)
    with pytest.raises(LakehouseError, match="CheckViolation, table sport_activities") as failed:
        load(database, tmp_path, staff(9), practice(1, "Boxe"), effective_from=date(2026, 9, 1))
    assert "Boxe" not in str(failed.value)
    assert everything(database) == before
    assert sorted(file.name for file in (tmp_path / "output").iterdir()) == ["rh_employees.csv", "sport_activities.csv"]
    assert len((tmp_path / "output" / "rh_employees.csv").read_text(encoding="utf-8").splitlines()) == 11
