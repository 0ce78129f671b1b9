"""Dire pourquoi une personne reçoit ce qu'elle reçoit : chaque ligne derrière ses chiffres, et d'où elle vient."""

import sys

from rich.console import Console

from lakehouse import logs
from lakehouse.access_journal import open_journal
from lakehouse.arguments import DAY_OF_DATA, MAX_INTEGER, WholeNumber
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.lake_format import ensure_format
from lakehouse.cdc.table_store import TableStore
from lakehouse.clock import today
from lakehouse.french import format_day
from lakehouse.french_cli import FrenchParser, run
from lakehouse.gold.bitemporal import AsOf
from lakehouse.refresh.explain import explain
from lakehouse.refresh.explain_fr import render
from lakehouse.source.go_live import read_go_live
from lakehouse.source.postgres import short_connection
from lakehouse.source.roles import loader_settings
from lakehouse.spark.session import session


def main() -> None:
    parser = _build_parser()
    options = parser.parse_args()
    current_day = today()
    day = options.as_of or current_day
    time_point = AsOf(day, options.known_at or day)
    if time_point.is_in_future(current_day):
        parser.error(f"rien n'est connu d'un jour à venir : nous sommes le {format_day(current_day)}")
    settings = loader_settings()
    logs.configure(settings.log_format)
    ensure_format(settings.lake)
    with short_connection(settings) as conn:
        go_live = read_go_live(conn)
    with open_journal(settings, "explain_employee").record(sys.argv) as access:
        with Console(stderr=True).status("recherche"), session(settings, "refresh", warm=True) as spark:
            explanation = explain(Lake(spark, TableStore(settings.lake)), options.employee, time_point, go_live)
        for access.rows, line in enumerate(render(explanation), start=1):
            print(line)


def _build_parser() -> FrenchParser:
    example = "exemple : python scripts/Jobs_Spark/explain_employee.py --employee 59019 --as-of 2026-06-30"
    parser = FrenchParser(description=__doc__, epilog=example)
    parser.add_argument(
        "--employee", type=WholeNumber(1, MAX_INTEGER), required=True, metavar="ID", help="l'identifiant du salarié"
    )
    parser.add_argument(
        "--as-of", type=DAY_OF_DATA, metavar="DATE", help="le jour dont les données comptent (aujourd'hui)"
    )
    known_help = "le dernier jour dont les connaissances comptent (celui de --as-of)"
    parser.add_argument("--known-at", type=DAY_OF_DATA, metavar="DATE", help=known_help)
    return parser


if __name__ == "__main__":
    run(main)
