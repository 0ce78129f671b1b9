"""Set one message of a captured table aside for good: it is quarantined, and the last accepted version stays."""

from lakehouse import logs
from lakehouse.arguments import MAX_BIGINT, MAX_INTEGER, WAIT_S, Line, Parser, WholeNumber
from lakehouse.clock import utc_now
from lakehouse.contracts import CAPTURED
from lakehouse.contracts.company import RUN_REFRESH
from lakehouse.errors import run
from lakehouse.refresh.set_aside import MessageChoice, describe_position, set_aside
from lakehouse.refresh.table_setup import refreshed_tables
from lakehouse.source.commit_ledger import writable_store
from lakehouse.source.refresh_lock import exclusive_refresh
from lakehouse.source.roles import loader_settings

EXAMPLE = (
    "example: python scripts/Jobs_Spark/refuse_change.py --table strava_activities --offset 1042 --why 'montre cassée'"
)
MAX_REASON_LENGTH = 200


def main() -> None:
    options = _build_parser().parse_args()
    settings = loader_settings()
    logs.configure(settings.log_format)
    contracts = {contract.table: contract for contract in CAPTURED}
    contract, choice = contracts[options.table], MessageChoice(options.offset, options.partition, options.incarnation)
    with (
        writable_store(settings, "refuse_change") as store,
        exclusive_refresh(settings, store, CAPTURED, refreshed_tables(), options.wait),
    ):
        done = set_aside(store, contract, choice, options.why, utc_now())
    merged = " It was merged already, so that the next refresh rebuilds the table's Silver." if done.was_merged else ""
    print(f"{describe_position(contract, done.refusal)} is set aside.{merged} Now run {RUN_REFRESH}")


def _build_parser() -> Parser:
    parser = Parser(description=__doc__, epilog=EXAMPLE)
    tables = [contract.table for contract in CAPTURED]
    parser.add_argument("--table", required=True, choices=tables)
    offset, number = WholeNumber(0, MAX_BIGINT), WholeNumber(0, MAX_INTEGER)
    parser.add_argument("--offset", required=True, type=offset, metavar="N", help="the message's offset in its topic")
    why_help = "the reason, which HR reads: French, and without a person's data"
    parser.add_argument("--why", required=True, type=Line(MAX_REASON_LENGTH), metavar="TEXT", help=why_help)
    parser.add_argument("--partition", type=number, metavar="N", help="needed where the topic has several")
    parser.add_argument(
        "--incarnation", type=number, metavar="N", help="needed where a topic was deleted and made again"
    )
    parser.add_argument("--wait", type=WAIT_S, default=60, metavar="SECONDS", help="for a refresh to end (default: 60)")
    return parser


if __name__ == "__main__":
    run(main)
