"""The company's employees and their sports, as read from HR's two files."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from lakehouse.contracts import TRAVEL_MODES
from lakehouse.errors import BadInput
from lakehouse.hr import cells
from lakehouse.hr.columns import Column
from lakehouse.hr.file_problems import Problem
from lakehouse.hr.files import NOTHING_LOADED, display_name, find_hr_file, find_sports_file
from lakehouse.hr.table_parser import read_table

# The fields of both are the columns of their tables in Postgres, rh_employees and sport_activities.
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
    Column("moyen_deplacement", "Moyen de déplacement", cells.mode, word_for_none=cells.NO_COMMUTE_WORD),
)
SPORTS_COLUMNS = (
    Column("id", "ID salarié", cells.integer, required=True),
    Column("pratique_sport", "Pratique d'un sport", cells.sport, may_be_cut=True),
)


@dataclass(frozen=True)
class Company:
    """The rows to load, indexed by line, and remarks, in French, that do not prevent the load."""

    employees: pd.DataFrame
    practices: pd.DataFrame
    remarks: Sequence[str]
    hr_file: str


def read_company(folder: Path) -> Company:
    """Return the company in the two files of a folder. Raises BadInput, in French, where a file cannot be used."""
    hr, sports = find_hr_file(folder), find_sports_file(folder)
    hr_table, sports_table = read_table(hr, HR_COLUMNS, _find_hired_before_birth), read_table(sports, SPORTS_COLUMNS)
    employees, practices = hr_table.rows, sports_table.rows
    if employees.empty:
        raise BadInput(f"{display_name(hr)} : aucun salarié. {NOTHING_LOADED}")
    is_known = practices["id"].isin(employees["id"])
    return Company(
        employees=employees,
        practices=practices.loc[is_known],
        remarks=[
            *hr_table.remarks,
            *sports_table.remarks,
            *_unknown_modes(display_name(hr), employees),
            *_unknown_employees(display_name(sports), practices.loc[~is_known]),
        ],
        hr_file=display_name(hr),
    )


def _find_hired_before_birth(employees: pd.DataFrame) -> list[Problem]:
    dated = employees.dropna(subset=["date_naissance", "date_embauche"])
    hired_too_early = dated[dated["date_embauche"] < dated["date_naissance"]]
    return [Problem(line, "avant la date de naissance", "Date d'embauche") for line in hired_too_early.index]


def _unknown_modes(file: str, employees: pd.DataFrame) -> list[str]:
    modes = employees["moyen_deplacement"].dropna()
    return [
        f"{file}, ligne {line}, colonne « Moyen de déplacement » : inconnu, compté comme non éligible."
        for line in modes[~modes.isin(TRAVEL_MODES)].index
    ]


def _unknown_employees(file: str, practices: pd.DataFrame) -> list[str]:
    return [f"{file}, ligne {line} : salarié absent du fichier RH, ligne ignorée." for line in practices.index]
