"""Create the passwords of docker-compose's services, each once, in a volume of its own. One that .env names wins."""

from lakehouse import logs
from lakehouse.arguments import Parser, PathName
from lakehouse.errors import run
from lakehouse.local.secret_volumes import write_volumes
from lakehouse.settings import Settings


def main() -> None:
    """Write the passwords that are missing or that .env changed, and print none."""
    parser = Parser(description=__doc__, epilog="example: docker-compose run secrets (docker-compose up runs it first)")
    parser.add_argument(
        "--folder", type=PathName(), required=True, metavar="DIR", help="the folder in which the volumes are mounted"
    )
    options = parser.parse_args()
    settings = Settings()
    logs.configure(settings.log_format)
    write_volumes(options.folder, settings)


if __name__ == "__main__":
    run(main)
