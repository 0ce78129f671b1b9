"""A load that takes something from many employees with an active commute is refused, and nothing is written."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from lakehouse.errors import BadInput
from lakehouse.settings import Settings
from stack.hr_load import execute, fetch_all_tables, fetch_rows, load_hr_files, run_script
from support.hr_files import Row, employee, practice, staff, write_company_files

PIPELINE = "scripts/ETL_Full_Load/pipeline.py"
BIKE, CAR = "Vélo/Trottinette/Autres", "véhicule thermique/électrique"
COUNTED_CHANGES = {
    "commute lost": ("Moyen de déplacement", {"moyen": CAR}),
    "commute blank": ("Moyen de déplacement", {"moyen": None}),
    "commute unknown": ("Moyen de déplacement", {"moyen": "Fusée"}),
    "commute changed between active modes": ("Moyen de déplacement", {"moyen": BIKE}),
    "address blank": ("Adresse du domicile", {"adresse": None}),
    "unit lost": ("BU", {"unite": None}),
    "unit changed": ("BU", {"unite": "Achats"}),
    "salary of a month": ("Salaire brut", {"salaire": "4397,50"}),
    "salary a tenth less": ("Salaire brut", {"salaire": 47493}),
    "salary a tenth more": ("Salaire brut", {"salaire": 58047}),
}
UNCOUNTED_CHANGES = {
    "salary less than a tenth less": {"salaire": "47493,01"},
    "salary less than a tenth more": {"salaire": "58046,99"},
    "address changed": {"adresse": "1 rue du Four, 34000 Montpellier"},
    "unit spelt otherwise": {"unite": " VENTES"},
    "name changed": {"nom": "Martin"},
}


def change_first(count: int, changes: dict[str, Any]) -> list[Row]:
    """Return a file of sixty employees, in which the first so many have these cells."""
    return [employee(id=number, **(changes if number <= count else {})) for number in range(1, 61)]


def refused_load(database: Settings, folder: Path, hr: Sequence[Row]) -> str:
    """Load rows that are refused, with Postgres and the cleaned CSV as they were, and return the message."""
    before = fetch_all_tables(database)
    cleaned = (folder / "output" / "rh_employees.csv").read_bytes()
    with pytest.raises(BadInput) as refused:
        load_hr_files(database, folder, hr)
    assert fetch_all_tables(database) == before
    assert (folder / "output" / "rh_employees.csv").read_bytes() == cleaned
    return str(refused.value)


@pytest.mark.parametrize(("column", "changes"), COUNTED_CHANGES.values(), ids=COUNTED_CHANGES)
def test_loss_of_six_in_sixty_is_loaded_and_of_seven_refused(
    database: Settings, tmp_path: Path, column: str, changes: dict[str, Any]
) -> None:
    load_hr_files(database, tmp_path, staff(60))
    message = refused_load(database, tmp_path, change_first(7, changes))
    assert f"DonneesRH.xlsx, colonne « {column} » : " in message
    assert ", 7 sur 60, lignes 2, 3, 4, 5, 6, 7 et 8." in message
    assert "relancez avec --allow-mass-change. Rien n'a été chargé." in message
    assert [cell for cell in changes.values() if cell and str(cell) in message] == []
    loaded = load_hr_files(database, tmp_path, change_first(6, changes))
    assert "rh_employees      60 lignes (nouvelles : 0, modifiées : 6, supprimées : 0)" in loaded


def test_each_column_is_counted_alone_and_no_other_change_counts(database: Settings, tmp_path: Path) -> None:
    load_hr_files(database, tmp_path, staff(60))
    for changes in UNCOUNTED_CHANGES.values():
        load_hr_files(database, tmp_path, change_first(60, changes))
        load_hr_files(database, tmp_path, staff(60), allow_mass_change=True)
    six_of_each = [{"moyen": CAR}] * 6 + [{"adresse": None}] * 6 + [{"unite": None}] * 6 + [{"salaire": 1}] * 6
    rows = [employee(id=number, **changes) for number, changes in enumerate([*six_of_each, *[{}] * 36], start=1)]
    load_hr_files(database, tmp_path, rows)
    assert fetch_rows(database, "SELECT count(*) FROM rh_employees WHERE salaire_brut = 1") == [(6,)]


def test_who_gains_or_declares_no_active_commute_is_not_counted(database: Settings, tmp_path: Path) -> None:
    load_hr_files(database, tmp_path, change_first(60, {"moyen": CAR}))
    load_hr_files(database, tmp_path, change_first(60, {"moyen": None, "salaire": 1, "unite": None, "adresse": None}))
    load_hr_files(database, tmp_path, staff(60))
    assert fetch_rows(database, "SELECT DISTINCT moyen_deplacement FROM rh_employees") == [("Marche/running",)]


def test_small_company_may_change_five_and_leavers_do_not_count(database: Settings, tmp_path: Path) -> None:
    load_hr_files(database, tmp_path, staff(7))
    load_hr_files(database, tmp_path, change_first(5, {"moyen": BIKE})[:7])
    load_hr_files(database, tmp_path, staff(60))
    message = refused_load(database, tmp_path, change_first(6, {"unite": "Achats"})[:59])
    assert "6 sur 59" in message, "six in sixty would be a tenth, but one has left"


def test_all_losses_are_counted_together_with_their_lines(database: Settings, tmp_path: Path) -> None:
    load_hr_files(database, tmp_path, staff(60))
    rows = change_first(60, {"moyen": None})
    rows[1] = employee(id=2, unite="Achats")
    first, *columns, advice = refused_load(database, tmp_path, rows).splitlines()
    assert first == (
        "DonneesRH.xlsx : trop de changements à la fois pour les salariés au trajet actif "
        "(plus d'un dixième, et plus de 5)."
    )
    assert columns[0] == "DonneesRH.xlsx, colonne « BU » : unité perdue ou changée, 1 sur 60, ligne 3."
    assert columns[1].startswith("DonneesRH.xlsx, colonne « Moyen de déplacement » : trajet actif perdu ou changé, 59")
    assert columns[1].endswith(" et 39 de plus.")
    assert advice.startswith("Vérifiez ces lignes")


def test_spelling_in_postgres_is_no_change_of_the_unit(database: Settings, tmp_path: Path) -> None:
    load_hr_files(database, tmp_path, staff(60))
    execute(database, "UPDATE rh_employees SET business_unit = CASE WHEN id % 2 = 0 THEN 'VÉNTES ' ELSE 'ventes' END")
    load_hr_files(database, tmp_path, staff(60))
    assert fetch_rows(database, "SELECT DISTINCT business_unit FROM rh_employees") == [("Ventes",)]


def test_command_ends_with_1_until_the_change_is_allowed(database: Settings, tmp_path: Path) -> None:
    load_hr_files(database, tmp_path, staff(60))
    write_company_files(tmp_path, change_first(7, {"moyen": CAR}), [practice(1, "Running")])
    before = fetch_all_tables(database)
    refused = run_script(database, tmp_path / "out", PIPELINE, "--input", str(tmp_path))
    assert refused.returncode == 1
    assert refused.stderr.startswith("erreur : DonneesRH.xlsx : trop de changements à la fois")
    assert fetch_all_tables(database) == before
    allowed = load_hr_files(database, tmp_path, change_first(7, {"moyen": CAR}), allow_mass_change=True)
    assert "rh_employees      60 lignes (nouvelles : 0, modifiées : 7, supprimées : 0)" in allowed
