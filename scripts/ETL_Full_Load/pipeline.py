"""Créer les tables et charger les fichiers RH dans Postgres. Le premier chargement génère aussi des activités."""

from functools import partial
from random import Random

from lakehouse import logs
from lakehouse.clock import today
from lakehouse.french_cli import run
from lakehouse.hr.full_load import full_load
from lakehouse.hr.load_options import LoadOptions, build_parser
from lakehouse.refresh.table_setup import create_tables
from lakehouse.settings import Settings
from lakehouse.simulator.backfill import insert_history
from lakehouse.source.commit_ledger import writable_store
from lakehouse.source.roles import as_loader


def main() -> None:
    """Run the load and print row counts, without personal data."""
    settings = Settings()
    logs.configure(settings.log_format)
    arguments = build_parser(__doc__ or "", settings.input_dir).parse_args()
    months, rng = arguments.history_months, Random(arguments.seed)
    del arguments.history_months, arguments.seed
    backfill = partial(insert_history, rng=rng, months=months)
    for line in full_load(settings, LoadOptions(**vars(arguments)), backfill, today=today()):
        print(line, flush=True)
    # Last: an older Postgres gets the table in which their creation is noted by the load.
    with writable_store(as_loader(settings), "load") as store:
        create_tables(store)


if __name__ == "__main__":
    run(main)
