"""Command line of the full load, in French: HR's people read its help."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from lakehouse.arguments import DAY_OF_DATA, SEED, WAIT_S, PathName, WholeNumber
from lakehouse.french_cli import FrenchParser

MAX_HISTORY_MONTHS = 600  # fifty years
PIPELINE_EXAMPLE = "exemple : python scripts/ETL_Full_Load/pipeline.py --effective-from 2026-09-01"


@dataclass(frozen=True)
class LoadOptions:
    """The command-line options of pipeline.py; its help explains each."""

    folder: Path
    effective_from: date | None = None
    allow_mass_delete: bool = False
    allow_mass_change: bool = False
    wait: float = 60.0  # seconds
    if_not_live: bool = False  # load nothing into a system that is live


def build_parser(description: str, input_dir: Path) -> FrenchParser:
    """Return the parser of pipeline.py: the fields of LoadOptions, and `history_months` and `seed` of the backfill."""
    parser = FrenchParser(description=description, epilog=PIPELINE_EXAMPLE)
    parser.add_argument(
        "--input",
        dest="folder",
        type=PathName(),
        default=input_dir,
        metavar="DOSSIER",
        help="les fichiers RH (%(default)s)",
    )
    parser.add_argument(
        "--effective-from",
        type=DAY_OF_DATA,
        metavar="DATE",
        help="le jour à partir duquel les lignes RH modifiées sont valables",
    )
    parser.add_argument(
        "--allow-mass-delete", action="store_true", help="accepter que plus de 20 %% des salariés partent à la fois"
    )
    parser.add_argument(
        "--allow-mass-change",
        action="store_true",
        help="accepter que le trajet, l'adresse, la BU ou le salaire changent pour plus d'un dixième, et plus de cinq, "
        "des salariés dont le trajet déclaré est actif",
    )
    parser.add_argument(
        "--history-months",
        type=WholeNumber(0, MAX_HISTORY_MONTHS),
        default=12,
        metavar="N",
        help="les mois d'activités à générer au premier chargement (%(default)s ; 0 pour aucun)",
    )
    parser.add_argument(
        "--if-not-live",
        action="store_true",
        help="ne rien charger dans un système qui est déjà en service",
    )
    parser.add_argument("--seed", type=SEED, metavar="N", help="la graine, pour générer de nouveau le même historique")
    parser.add_argument(
        "--wait", type=WAIT_S, default=60, metavar="SECONDES", help="combien de temps attendre Postgres (%(default)s)"
    )
    return parser
