"""A generator of HR's two files for a fictive company, as untidy as real ones. The same seed generates the same bytes.

All people in them are invented.
"""

import unicodedata
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

from lakehouse import errors
from lakehouse.arguments import SEED, Parser, PathName
from lakehouse.contracts.sports import FRENCH_SPORT_NAMES
from lakehouse.french import format_day, format_number
from lakehouse.settings import SAMPLE_DIR
from lakehouse.simulator.sample_places import (
    BUSINESS_UNITS,
    CYCLING_COMMUNES,
    EMPLOYMENT_CONTRACTS,
    FAR_COMMUNES,
    FIRST_NAMES,
    HAMLETS,
    LAST_NAMES,
    STREETS,
    WALKING_COMMUNES,
)
from lakehouse.simulator.sample_workbook import Cell, write_workbook

Rows = Sequence[Sequence[Cell]]

COMPANY_SIZE = 168
HALF_CENT_ROW = 5
NO_SPORT_SHARE = 0.38
REFERENCE_DATE = date(2026, 1, 5)
# With decomposed accents, as macOS saves file names.
HR_FILE, SPORTS_FILE = (unicodedata.normalize("NFD", name) for name in ("Données RH.xlsx", "Données Sportive.xlsx"))
WALK, BIKE, TRANSIT, CAR = (
    "Marche/running",
    "Vélo/Trottinette/Autres",
    "Transports en commun",
    "véhicule thermique/électrique",
)
# Untidy on purpose: another column order than HR's, extra spaces, both apostrophes, a decomposed accent.
HR_HEADER = (
    "ID salarié",
    "Nom",
    "Prénom ",
    "BU",
    "Date de naissance",
    "Date d’embauche",
    "Type de contrat",
    "Salaire  brut",
    "Nombre de jours de CP",
    "Moyen de déplacement",
    unicodedata.normalize("NFD", "Adresse du domicile"),
)
SPORTS_HEADER = ("ID salarié", "Pratique d'un sport")
NOTES: Rows = [["Export RH", None], ["Extrait le", REFERENCE_DATE], ["Contact", "service RH"]]


def generate_hr_rows(rng: Random) -> Rows:
    """Return one row for each employee, with the columns of HR_HEADER."""
    ids = sorted(rng.sample(range(17_000, 99_999), COMPANY_SIZE))
    modes = [_random_travel_mode(rng) for _ in ids]
    homes = [_random_address(rng, mode) for mode in modes]
    homes[8] = homes[7]  # two employees at one address
    return [_employee_row(rng, *fields) for fields in zip(range(COMPANY_SIZE), ids, modes, homes, strict=True)]


def generate_sports_rows(rng: Random, ids: Sequence[Cell]) -> Rows:
    """Return an id and a sport for each employee, in another order, and rows of two employees who have left."""
    rows = [[employee_id, _random_sport(rng)] for employee_id in ids]
    rng.shuffle(rows)
    return [*rows[:40], [11_111, "Tennis"], *rows[40:], [None, None], [22_222.0, "Judo"]]


def main() -> None:
    """Write both files into the folder given on the command line."""
    parser = Parser(
        description=__doc__, epilog="example: python -m lakehouse.simulator.sample_company --seed 7 --out /tmp/sample"
    )
    parser.add_argument("--seed", type=SEED, default=42)
    parser.add_argument("--out", type=PathName(), default=SAMPLE_DIR, metavar="DIR")
    arguments = parser.parse_args()
    write_sample_files(arguments.out, arguments.seed)
    print(f"{COMPANY_SIZE} employees in {arguments.out}")


def write_sample_files(folder: Path, seed: int = 42) -> None:
    """Write the company's two workbooks into the folder."""
    rng = Random(seed)
    hr_rows = generate_hr_rows(rng)
    sports_rows = generate_sports_rows(rng, [row[0] for row in hr_rows])
    folder.mkdir(parents=True, exist_ok=True)
    write_workbook(folder / HR_FILE, [("Lisez-moi", NOTES), ("Données", [HR_HEADER, *hr_rows])])
    write_workbook(folder / SPORTS_FILE, [("Feuil1", [SPORTS_HEADER, *sports_rows])])


def _random_travel_mode(rng: Random) -> str:
    return rng.choices((WALK, BIKE, TRANSIT, CAR), (18, 24, 22, 36))[0]


def _random_address(rng: Random, mode: str) -> str:
    """Return an address that is plausible for the declared travel mode in about 88 % of cases."""
    plausible_places = {WALK: WALKING_COMMUNES, BIKE: WALKING_COMMUNES + CYCLING_COMMUNES}.get(
        mode, WALKING_COMMUNES + CYCLING_COMMUNES + FAR_COMMUNES
    )
    places = rng.choices((plausible_places, FAR_COMMUNES, HAMLETS), (88, 8, 4))[0]
    postcode, commune = rng.choice(places)
    street = f"{rng.randint(1, 180)} {rng.choice(STREETS)}"
    forms = (
        f"{street}, {postcode} {commune}",
        f"{street} {postcode} {commune}",
        f"{street}, {commune}",
        f"{street},  {postcode}\u00a0{commune.upper()} ",
        f"{street}, {postcode} {commune.replace('Saint-', 'St ')}",
        f"{street}\n{postcode} {commune}",
    )
    return rng.choices(forms, (80, 6, 3, 4, 4, 3))[0]


def _employee_row(rng: Random, row: int, employee_id: int, mode: str, home: str) -> list[Cell]:
    born = REFERENCE_DATE - timedelta(days=rng.randint(22 * 365, 62 * 365))
    hired = min(REFERENCE_DATE, born + timedelta(days=rng.randint(21 * 365, 40 * 365)))
    # Ten cents of salary are half a cent of the 5 % prime, which must be rounded up.
    gross = rng.randrange(23_000, 78_000, 10) + (0.10 if row % 10 == HALF_CENT_ROW else 0.0)
    return [
        {6: f" {employee_id} ", 8: f"{employee_id}.0"}.get(row % 9, employee_id),
        _untidy_text(row, rng.choice(LAST_NAMES)),
        _untidy_text(row + 3, rng.choice(FIRST_NAMES)),
        rng.choice(BUSINESS_UNITS),
        _untidy_date(row, born),
        _untidy_date(row + 1, hired),
        rng.choice(EMPLOYMENT_CONTRACTS),
        _untidy_salary(row, gross),
        float(rng.randint(25, 29)),
        (mode, mode, f" {mode}", mode.upper(), mode.replace("/", " / "), mode)[row % 6],
        home,
    ]


def _untidy_text(row: int, name: str) -> str:
    return (name, name, name, f"{name} ", name, unicodedata.normalize("NFD", name), f"  {name}")[row % 7]


def _untidy_date(row: int, day: date) -> Cell:
    return {11: day.isoformat(), 13: f"{day.day}/{day.month}/{day.year}", 17: f"{format_day(day)} "}.get(row % 20, day)


def _untidy_salary(row: int, gross: float) -> Cell:
    grouped = format_number(Decimal(gross), "#,##0.00")
    variants = {
        4: f"{grouped} €",
        9: f"{grouped} €".replace(" ", "\u202f"),
        14: f"{grouped}\u00a0€".replace(" ", "\u00a0"),
        19: f"{gross:.1f}",
        24: grouped.replace(" ", "."),
    }
    return variants.get(row % 25, gross)


def _random_sport(rng: Random) -> str | None:
    if rng.random() < NO_SPORT_SHARE:
        return None
    sport = rng.choice((*FRENCH_SPORT_NAMES, "Running", "Running", "Randonnée", "Randonnée", "Vélo"))
    variants = (sport, sport.lower(), f"{sport} ", "Runing" if sport == "Running" else sport)
    return rng.choices(variants, (80, 5, 5, 10))[0]


if __name__ == "__main__":
    errors.run(main)
