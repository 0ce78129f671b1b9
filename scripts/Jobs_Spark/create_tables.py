"""Create the missing tables of Silver and Gold, without rows. The first load does this too."""

from lakehouse.arguments import Parser
from lakehouse.errors import run
from lakehouse.refresh.table_setup import create_tables
from lakehouse.source.commit_ledger import writable_store
from lakehouse.source.roles import loader_settings


def main() -> None:
    example = "example: python scripts/Jobs_Spark/create_tables.py"
    Parser(description=__doc__, epilog=example).parse_args()
    with writable_store(loader_settings(), "load") as store:
        create_tables(store)


if __name__ == "__main__":
    run(main)
