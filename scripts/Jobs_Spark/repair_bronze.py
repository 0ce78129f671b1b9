"""Make Bronze hold each message once: remove duplicates, and read what is missing again from its topic.

Every offset is read. Silver is rebuilt by the next refresh. The stream must not run meanwhile.
"""

from rich.console import Console

from lakehouse import logs
from lakehouse.arguments import WAIT_S, Parser
from lakehouse.capture.bronze_repair import describe_offset_problems, describe_result, ensure_repaired, repair_bronze
from lakehouse.contracts import CAPTURED
from lakehouse.contracts.company import RUN_REFRESH
from lakehouse.errors import OffsetMismatch, run
from lakehouse.source.commit_ledger import writable_store
from lakehouse.source.roles import loader_settings


def main() -> None:
    parser = Parser(
        description=__doc__, epilog="example: python scripts/Jobs_Spark/repair_bronze.py --table rh_employees --dry-run"
    )
    tables = [contract.table for contract in CAPTURED]
    parser.add_argument("--table", action="append", choices=tables, help="repair this table only; can be repeated")
    parser.add_argument("--dry-run", action="store_true", help="say what is wrong, and change nothing")
    parser.add_argument(
        "--wait", type=WAIT_S, default=60, metavar="SECONDS", help="how long to wait for the stream's end (default: 60)"
    )
    options = parser.parse_args()
    settings = loader_settings()
    logs.configure(settings.log_format)
    contracts = [contract for contract in CAPTURED if contract.table in (options.table or tables)]
    with writable_store(settings, "repair") as store:
        if options.dry_run:
            if problems := describe_offset_problems(store, contracts):
                raise OffsetMismatch("\n".join(problems))
            print("Each offset is there once.")
            return
        with Console().status("repairing, once no stream runs"):
            results = repair_bronze(settings, store, contracts, options.wait)
    for result in results:
        print(describe_result(result))
    ensure_repaired(results)
    if any(not result.found.is_regular for result in results):
        print(f"Now start the stream processor, and then: {RUN_REFRESH}")


if __name__ == "__main__":
    run(main)
