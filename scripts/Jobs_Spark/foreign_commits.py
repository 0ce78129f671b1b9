"""List the lake's versions that no program of ours has noted beforehand. Exit code 1 while one is unresolved."""

from lakehouse import logs
from lakehouse.arguments import Line, Parser
from lakehouse.cdc.foreign_commits import accept
from lakehouse.errors import ForeignCommitFound, LakehouseError, run
from lakehouse.refresh.foreign_repair import LAKE_TABLES, find_in_lake
from lakehouse.source.commit_ledger import writable_store
from lakehouse.source.roles import loader_settings


def main() -> None:
    example = "example: python scripts/Jobs_Spark/foreign_commits.py"
    parser = Parser(description=__doc__, epilog=example)
    tables = ["/".join(table) for table in LAKE_TABLES]
    parser.add_argument(
        "--accept", choices=tables, metavar="LAYER/TABLE", help="accept the versions of this table as they are"
    )
    parser.add_argument("--why", type=Line(), metavar="TEXT", help="why they are accepted; it is kept with the finding")
    options = parser.parse_args()
    if bool(options.accept) != bool(options.why):
        parser.error("--accept and --why belong together")
    settings = loader_settings()
    logs.configure(settings.log_format)
    with writable_store(settings, "foreign_commits") as store:
        if options.accept:
            layer, _, name = options.accept.partition("/")
            if not store.exists(layer, name):
                raise LakehouseError(f"the lake {settings.lake} has no table {options.accept}. Nothing was accepted.")
            accept(store, layer, name, f"accepted: {options.why}")
        commits = find_in_lake(store).commits
    if commits:
        raise ForeignCommitFound("\n".join(map(str, commits)))
    print("Every version of every table was noted by a program of ours, or accepted.")


if __name__ == "__main__":
    run(main)
