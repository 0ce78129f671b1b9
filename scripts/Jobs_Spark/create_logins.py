"""Create the logins of the source Postgres, as its administrator, and set their passwords. The load does so locally."""

from lakehouse import logs
from lakehouse.arguments import WAIT_S, Parser
from lakehouse.errors import run
from lakehouse.settings import Settings
from lakehouse.source.ddl import create_logins


def main() -> None:
    """Run initdb's first file. In docker-compose no password is needed for it: Postgres's socket is mounted."""
    parser = Parser(description=__doc__, epilog="example: docker-compose run postgres-init (docker-compose up runs it)")
    parser.add_argument("--wait", type=WAIT_S, default=60, metavar="SECONDS", help="for Postgres (default: 60)")
    options = parser.parse_args()
    settings = Settings()
    logs.configure(settings.log_format)
    create_logins(settings, timeout=options.wait)


if __name__ == "__main__":
    run(main)
