"""Builders of HR's two files: employees and their sports."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from openpyxl import Workbook

Row = Mapping[str, Any]

EMPLOYEE: Row = {
    "ID salarié": 1,
    "Nom": "Mendes",
    "Prénom": "Juliette",
    "Date de naissance": "1990-05-17",
    "BU": "Ventes",
    "Date d'embauche": "2015-09-01",
    "Salaire brut": 52770,
    "Type de contrat": "CDI",
    "Nombre de jours de CP": 25,
    "Adresse du domicile": "12 rue du Moulin, 34970 Lattes",
    "Moyen de déplacement": "Marche/running",
}


def employee(**fields: Any) -> Row:
    """Return an employee's row by HR's titles; keywords are short forms of the titles, such as `salaire`."""
    titles = {"id": "ID salarié", "adresse": "Adresse du domicile", "moyen": "Moyen de déplacement", "nom": "Nom"}
    titles |= {"salaire": "Salaire brut", "naissance": "Date de naissance", "cp": "Nombre de jours de CP"}
    titles |= {"unite": "BU", "prenom": "Prénom", "contrat": "Type de contrat"}
    return {**EMPLOYEE, **{titles[name]: value for name, value in fields.items()}}


def staff(count: int) -> list[Row]:
    return [employee(id=number) for number in range(1, count + 1)]


def practice(identity: Any, sport: Any) -> Row:
    return {"ID salarié": identity, "Pratique d'un sport": sport}


def sheet(rows: Sequence[Row]) -> list[list[Any]]:
    """Return the rows as lines of cells under a header line."""
    return [list(rows[0]), *(list(row.values()) for row in rows)]


def write_workbook(file: Path, *sheets: list[list[Any]]) -> Path:
    book = Workbook()
    book.remove(book.worksheets[0])
    for lines in sheets:
        worksheet = book.create_sheet()
        for line in lines:
            worksheet.append(line)
    file.parent.mkdir(parents=True, exist_ok=True)
    book.save(file)
    return file


def write_csv(
    file: Path, lines: list[list[Any]], delimiter: str = ";", encoding: str = "utf-8", quoting: Any = 0
) -> Path:
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=delimiter, quoting=quoting).writerows(lines)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(buffer.getvalue().encode(encoding))
    return file


def write_company_files(folder: Path, hr: Sequence[Row], sports: Sequence[Row] = (practice(1, "Running"),)) -> Path:
    """Write both files as workbooks, and return their folder."""
    write_workbook(folder / "DonneesRH.xlsx", sheet(hr))
    write_workbook(folder / "DonneesSportive.xlsx", sheet(sports))
    return folder
