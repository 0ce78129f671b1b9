"""The check of what a load would take from people who walk or cycle to work, before anything is written."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from lakehouse.contracts import ACTIVE_MODES
from lakehouse.errors import BadInput
from lakehouse.french import format_lines
from lakehouse.hr.business_units import fold_unit
from lakehouse.hr.company_files import Company
from lakehouse.hr.files import NOTHING_LOADED
from lakehouse.hr.staging import EMPLOYEES, staging_table
from lakehouse.source.postgres import Connection, sql

MASS_CHANGE_FRACTION = 10  # one in ten
MASS_CHANGE_PEOPLE = 5


@dataclass(frozen=True)
class Loss:
    """A change of a column that can take money from an employee: a condition in SQL, and its name in French."""

    column: str
    name: str
    condition: str


LOSSES = (
    Loss("BU", "unité perdue ou changée", "present.unit IS NOT NULL AND staged.unit IS DISTINCT FROM present.unit"),
    Loss(
        "Salaire brut",
        "salaire changé d'un dixième ou plus, en plus ou en moins",
        "staged.salaire_brut <> present.salaire_brut "
        "AND abs(staged.salaire_brut - present.salaire_brut) * 10 >= abs(present.salaire_brut)",
    ),
    Loss(
        "Adresse du domicile",
        "adresse effacée",
        "btrim(present.adresse_complete) <> '' AND btrim(coalesce(staged.adresse_complete, '')) = ''",
    ),
    Loss(
        "Moyen de déplacement",
        "trajet actif perdu ou changé",
        "staged.moyen_deplacement IS DISTINCT FROM present.moyen_deplacement",
    ),
)
# Two spellings of one unit are no change: the column `unit` has what they have in common.
COMPARED = """
    WITH unit AS (SELECT * FROM unnest(%(spellings)s::text[], %(units)s::text[]) AS unit (spelling, unit)),
    present AS (SELECT employee.*, unit FROM public.{table} employee LEFT JOIN unit ON business_unit = spelling),
    staged AS (SELECT employee.*, unit FROM {staged} employee LEFT JOIN unit ON business_unit = spelling)
    SELECT count(*), {losses}
    FROM present JOIN staged USING (id) WHERE present.moyen_deplacement = ANY (%(active)s)
"""
UNIT_SPELLINGS = "SELECT business_unit FROM public.{table} UNION SELECT business_unit FROM {staged}"


def reject_mass_change(conn: Connection, company: Company) -> None:
    """Raise BadInput where one of LOSSES hits over a tenth, and over five, of the employees with an active commute.

    These are the employees in Postgres who declare one, without those who leave. It compares the staged rows with
    Postgres, inside the transaction of the load. The message has counts and lines, and no values.
    """
    people, losses = _find_losses(conn)
    if any(is_mass_change(len(ids), people) for ids in losses.values()):
        raise BadInput(_describe(company, people, losses))


def is_mass_change(changed: int, people: int) -> bool:
    return changed > MASS_CHANGE_PEOPLE and changed * MASS_CHANGE_FRACTION > people


def _find_losses(conn: Connection) -> tuple[int, Mapping[Loss, Collection[int]]]:
    """Return the number of employees compared, and the ids of those whom each loss hits."""
    places = {"table": sql.Identifier(EMPLOYEES), "staged": staging_table(EMPLOYEES)}
    units = [unit for (unit,) in conn.execute(sql.SQL(UNIT_SPELLINGS).format(**places)) if unit and unit.strip()]
    hit = "coalesce(array_agg(id) FILTER (WHERE {}), '{{}}')"
    query = sql.SQL(COMPARED).format(losses=sql.SQL(", ".join(hit.format(loss.condition) for loss in LOSSES)), **places)
    values = {"spellings": units, "units": [fold_unit(unit) for unit in units], "active": list(ACTIVE_MODES)}
    people, *ids = conn.execute(query, values).fetchone() or (0,)
    return people, dict(zip(LOSSES, ids, strict=True))


def _describe(company: Company, people: int, losses: Mapping[Loss, Collection[int]]) -> str:
    threshold = f"plus d'un dixième, et plus de {MASS_CHANGE_PEOPLE}"
    counts = [
        f"{company.hr_file}, colonne « {loss.column} » : {loss.name}, {len(ids)} sur {people}, "
        f"{format_lines(_lines(company.employees, ids))}."
        for loss, ids in losses.items()
        if ids
    ]
    return "\n".join(
        (
            f"{company.hr_file} : trop de changements à la fois pour les salariés au trajet actif ({threshold}).",
            *counts,
            f"Vérifiez ces lignes ; si elles sont justes, relancez avec --allow-mass-change. {NOTHING_LOADED}",
        )
    )


def _lines(rows: pd.DataFrame, ids: Collection[int]) -> Sequence[int]:
    return [int(line) for line in rows.index[rows["id"].isin(ids)]]
