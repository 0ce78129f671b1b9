"""Create the missing tables of Silver and Gold, without rows. The first load does this too."""

import argparse

from lakehouse.cdc.table_store import TableStore
from lakehouse.errors import run
from lakehouse.refresh.table_setup import create_tables
from lakehouse.settings import Settings


def main() -> None:
    example = "example: python scripts/Jobs_Spark/create_tables.py"
    argparse.ArgumentParser(description=__doc__, epilog=example).parse_args()
    create_tables(TableStore(Settings().lake))


if __name__ == "__main__":
    run(main)
