"""The company's employees and their sports, as read from HR's two files."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

from lakehouse.contracts import TRAVEL_MODES
from lakehouse.errors import BadInput
from lakehouse.hr import cells
from lakehouse.hr.files import NOTHING_LOADED, display_name, find_hr_file, find_sports_file
from lakehouse.hr.table_parser import Column, Problem, Row, read_table

HR_COLUMNS = (
    Column("id", "ID salarié", cells.integer, required=True),
    Column("nom", "Nom", cells.text, required=True),
    Column("prenom", "Prénom", cells.text, required=True),
    Column("date_naissance", "Date de naissance", cells.day),
    Column("date_embauche", "Date d'embauche", cells.day),
    Column("business_unit", "BU", cells.text),
    Column("salaire_brut", "Salaire brut", cells.salary, required=True),
    Column("contrat", "Type de contrat", cells.text),
    Column("nb_conges_payes", "Nombre de jours de CP", cells.integer),
    Column("adresse_complete", "Adresse du domicile", cells.text),
    Column("moyen_deplacement", "Moyen de déplacement", cells.mode),
)
SPORTS_COLUMNS = (
    Column("id", "ID salarié", cells.integer, required=True),
    Column("pratique_sport", "Pratique d'un sport", cells.sport),
)


@dataclass(frozen=True)
class Employee:
    """An employee in HR's file; the fields are the columns of rh_employees."""

    id: int
    nom: str
    prenom: str
    date_naissance: date | None
    date_embauche: date | None
    business_unit: str | None
    salaire_brut: Decimal
    contrat: str | None
    nb_conges_payes: int | None
    adresse_complete: str | None
    moyen_deplacement: str | None


@dataclass(frozen=True)
class Practice:
    """The sport that an employee practises, None for none; the fields are the columns of sport_activities."""

    id: int
    pratique_sport: str | None


@dataclass(frozen=True)
class Company:
    """The rows to load, and remarks, in French, on cells and rows that do not prevent the load."""

    employees: Sequence[Employee]
    practices: Sequence[Practice]
    remarks: Sequence[str]
    hr_file: str


def read_company(folder: Path) -> Company:
    """Return the company in the two files of a folder. Raises BadInput, in French, where a file cannot be used."""
    hr, sports = find_hr_file(folder), find_sports_file(folder)
    employee_rows, practices = read_table(hr, HR_COLUMNS, _check_hired_after_birth), read_table(sports, SPORTS_COLUMNS)
    if not employee_rows:
        raise BadInput(f"{display_name(hr)} : aucun salarié. {NOTHING_LOADED}")
    ids = {row.values["id"] for row in employee_rows}
    return Company(
        employees=[Employee(**row.values) for row in employee_rows],
        practices=[Practice(**row.values) for row in practices if row.values["id"] in ids],
        remarks=[
            *_unknown_modes(display_name(hr), employee_rows),
            *_unknown_employees(display_name(sports), practices, ids),
        ],
        hr_file=display_name(hr),
    )


def _check_hired_after_birth(row: Row) -> Problem | None:
    born, hired = row.values["date_naissance"], row.values["date_embauche"]
    hired_too_early = born and hired and hired < born
    return Problem(row.line, "avant la date de naissance", "Date d'embauche") if hired_too_early else None


def _unknown_modes(file: str, employee_rows: Sequence[Row]) -> list[str]:
    return [
        f"{file}, ligne {row.line}, colonne « Moyen de déplacement » : inconnu, compté comme non éligible."
        for row in employee_rows
        if row.values["moyen_deplacement"] not in {None, *TRAVEL_MODES}
    ]


def _unknown_employees(file: str, practices: Sequence[Row], ids: set[int]) -> list[str]:
    return [
        f"{file}, ligne {row.line} : salarié absent du fichier RH, ligne ignorée."
        for row in practices
        if row.values["id"] not in ids
    ]
