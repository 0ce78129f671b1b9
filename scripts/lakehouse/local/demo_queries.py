"""The demo's queries for the figures, sent to the Thrift server."""

from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from lakehouse.serving.client import query
from lakehouse.settings import Settings


@dataclass(frozen=True)
class DemoQuery:
    """A query, and the title of the table that shows its result."""

    title: str
    sql: str


DEMO_QUERIES = (
    DemoQuery(
        "Prime sportive",
        "SELECT count(*) AS employees, count_if(eligible) AS primes, sum(montant_prime) AS cost_eur "
        "FROM gold.v_prime_sportive",
    ),
    DemoQuery(
        "Prime, by business unit",
        "SELECT business_unit, nb_salaries, nb_primes, cout_primes FROM gold.v_kpi "
        "ORDER BY business_unit = 'Total', business_unit",
    ),
    DemoQuery(
        "Prime, by reason",
        "SELECT motif, count(*) AS employees, sum(montant_prime) AS cost_eur FROM gold.v_prime_sportive "
        "GROUP BY motif ORDER BY motif",
    ),
    DemoQuery(
        "Well-being days, this year",
        "SELECT count_if(eligible) AS granted_to, sum(jours_bien_etre) AS days, "
        "count_if(activites_manquantes BETWEEN 1 AND 3) AS short_of_1_to_3_activities "
        "FROM gold.v_wellbeing WHERE year = (SELECT max(year) FROM gold.v_prime_sportive)",
    ),
    DemoQuery(
        "Refused rows and doubles, by reason",
        "SELECT table_source, motif, etat, nb_refus FROM gold.v_qualite_donnees ORDER BY table_source, motif, etat",
    ),
)


def print_results(settings: Settings, console: Console) -> None:
    """Run each query and print its result as a table; as the owner where admin needs a password by now."""
    for demo_query in DEMO_QUERIES:
        result = query(settings, demo_query.sql, as_owner=settings.thrift_users_file.exists())
        table = Table(*result.columns, title=demo_query.title, title_justify="left")
        for row in result.rows:
            table.add_row(*map(_to_text, row))
        console.print(table if result.rows else f"{demo_query.title}: none")


def _to_text(value: Any) -> str:
    return "" if value is None else str(value)
