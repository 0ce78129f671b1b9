"""The source database's address, with a login, for a person's own tools: of local mode, of compose, or of a server."""

import os
import subprocess
import sys
from argparse import RawDescriptionHelpFormatter
from pathlib import Path
from urllib.parse import quote

from pydantic import SecretStr

from lakehouse import compose
from lakehouse.arguments import Parser
from lakehouse.errors import NotReady, run
from lakehouse.local.postgres_server import binary_path
from lakehouse.local.secret_store import secret_path
from lakehouse.local.secret_volumes import VALUE_FILE
from lakehouse.local.service_addresses import LOCALHOST
from lakehouse.passwords import read_password
from lakehouse.settings import LOCAL_ADDRESSES_FILE, ROOT, Settings
from lakehouse.source.roles import LOADER_ROLE, PASSWORD_NAMES, READER_ROLE, as_login

LOGIN_ROLES = {"loader": LOADER_ROLE, "reader": READER_ROLE}
DESCRIPTION = """Print the source database's address, with a password, or open psql there.

The loader owns the tables. The reader changes nothing."""
# Mounts all passwords, and needs none of the other services.
VOLUMES = Path("/run/secrets")
CAT_IN_COMPOSE = ("run", "--rm", "--no-deps", "-T", "--entrypoint", "cat", "postgres-init")


def main() -> None:
    """Print the address, or replace this process by psql."""
    parser = Parser(description=DESCRIPTION, epilog="example: make dsn ROLE=reader")
    parser.formatter_class = RawDescriptionHelpFormatter
    parser.add_argument("--role", choices=LOGIN_ROLES, default="loader", help="whose login (default: loader)")
    parser.add_argument("--psql", action="store_true", help="open psql instead of printing")
    options = parser.parse_args()
    role = LOGIN_ROLES[options.role]
    command = () if LOCAL_ADDRESSES_FILE.exists() else compose.running_compose(ROOT)
    settings = compose_settings(command, role) if command else as_login(Settings(), role)
    if options.psql:
        _open_psql(settings)
    else:
        print(render_address(settings))


def render_address(settings: Settings) -> str:
    """Return a connection URI of libpq's for DB_USER, as psql, DBeaver and drivers read it."""
    user, password = quote(settings.db_user, safe=""), quote(read_password(settings, "db_password"), safe="")
    host, name = quote(settings.db_host, safe=":"), quote(settings.db_name, safe="")
    host = f"[{host}]" if ":" in host else host
    return f"postgresql://{user}:{password}@{host}:{settings.db_port}/{name}?sslmode={settings.db_sslmode}"


def compose_settings(command: tuple[str, ...], role: str) -> Settings:
    """Return the settings of a login of compose's Postgres, as this machine reaches it. Raises NotReady."""
    file = secret_path(VOLUMES, PASSWORD_NAMES[role]) / VALUE_FILE
    password = _output(*command, *CAT_IN_COMPOSE, str(file))
    _, _, port = _output(*command, "port", "postgres", "5432").rpartition(":")
    name = _output(*command, "exec", "-T", "postgres", "printenv", "POSTGRES_DB")
    return Settings().model_copy(
        update={
            "db_host": LOCALHOST,
            "db_port": int(port),
            "db_name": name,
            "db_sslmode": "disable",
            "db_user": role,
            "db_password": SecretStr(password),
        }
    )


def _output(*command: str) -> str:
    completed = subprocess.run(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False
    )
    if completed.returncode != 0 or not completed.stdout.strip():
        raise NotReady("docker-compose runs, and its Postgres does not. Run `docker-compose up -d`, and try again.")
    return completed.stdout.strip()


def _open_psql(settings: Settings) -> None:
    environment = {**os.environ, "PGPASSWORD": read_password(settings, "db_password")}
    environment |= {"PGSSLMODE": settings.db_sslmode}
    program = binary_path("psql")
    options = ("-h", settings.db_host, "-p", str(settings.db_port), "-U", settings.db_user, settings.db_name)
    sys.stdout.flush()
    os.execve(program, [str(program), *options], environment)  # noqa: S606 - no shell is needed


if __name__ == "__main__":
    run(main)
