"""Créer les tables et charger les fichiers RH dans Postgres. Le premier chargement génère aussi des activités."""

from datetime import date
from functools import partial
from pathlib import Path
from random import Random

from lakehouse import logs
from lakehouse.cdc.table_store import TableStore
from lakehouse.clock import today
from lakehouse.french_cli import FrenchParser, run
from lakehouse.hr.full_load import LoadOptions, full_load
from lakehouse.refresh.table_setup import create_tables
from lakehouse.settings import Settings
from lakehouse.simulator.backfill import insert_history

PIPELINE_EXAMPLE = "exemple : python scripts/ETL_Full_Load/pipeline.py --effective-from 2026-09-01"


def main() -> None:
    """Run the load and print row counts, without personal data."""
    settings = Settings()
    logs.configure(settings.log_format)
    arguments = _parser(settings).parse_args()
    create_tables(TableStore(settings.lake))
    months, rng = arguments.history_months, Random(arguments.seed)
    del arguments.history_months, arguments.seed
    backfill = partial(insert_history, rng=rng, months=months)
    for line in full_load(settings, LoadOptions(**vars(arguments)), backfill, today=today()):
        print(line, flush=True)


def _parser(settings: Settings) -> FrenchParser:
    parser = FrenchParser(description=__doc__, epilog=PIPELINE_EXAMPLE)
    parser.add_argument(
        "--input",
        dest="folder",
        type=Path,
        default=settings.input_dir,
        metavar="DOSSIER",
        help="les fichiers RH (%(default)s)",
    )
    parser.add_argument(
        "--effective-from",
        type=date.fromisoformat,
        metavar="DATE",
        help="le jour à partir duquel les lignes RH modifiées sont valables",
    )
    parser.add_argument(
        "--allow-mass-delete", action="store_true", help="accepter que plus de 20 %% des salariés partent à la fois"
    )
    parser.add_argument(
        "--history-months",
        type=int,
        default=12,
        metavar="N",
        help="les mois d'activités à générer au premier chargement (%(default)s ; 0 pour aucun)",
    )
    parser.add_argument(
        "--if-not-live",
        action="store_true",
        help="ne rien charger dans un système qui est déjà en service",
    )
    parser.add_argument("--seed", type=int, metavar="N", help="la graine, pour générer de nouveau le même historique")
    parser.add_argument(
        "--wait", type=float, default=60, metavar="SECONDES", help="combien de temps attendre Postgres (%(default)s)"
    )
    return parser


if __name__ == "__main__":
    run(main)
