"""Values of HR's files are in Postgres as they were read: blanks as NULL, numbers, days and texts unchanged."""

from datetime import date
from decimal import Decimal
from pathlib import Path

from lakehouse.settings import Settings
from stack.hr_load import fetch_rows, load_hr_files
from support.hr_files import employee, practice


def test_values_are_in_postgres_as_in_the_files(database: Settings, tmp_path: Path) -> None:
    blank = {"naissance": None, "cp": None, "adresse": "", "moyen": "  "}
    texts = {"nom": "007", "adresse": "1\true\\N, 34970 Lattes\n"}
    load_hr_files(
        database,
        tmp_path,
        [
            employee(id=1, nom="NULL", salaire="99 999 999,99", **blank),
            employee(id=2, salaire="0,10", naissance="17/5/1905", cp=0.0, moyen=None, **texts),
        ],
        practice(1, None),
        practice(2, "NA"),
    )
    columns = "id, nom, date_naissance, salaire_brut, nb_conges_payes, adresse_complete, moyen_deplacement"
    rows = fetch_rows(database, f"SELECT {columns} FROM rh_employees ORDER BY id")  # noqa: S608 - our own names
    assert rows == [
        (1, "NULL", None, Decimal("99999999.99"), None, None, None),
        (2, "007", date(1905, 5, 17), Decimal("0.10"), 0, "1 rue\\N, 34970 Lattes", None),
    ]
    assert fetch_rows(database, "SELECT id, pratique_sport FROM sport_activities ORDER BY id") == [(1, None), (2, "NA")]
