"""The check before a first write that the Postgres at the address is this checkout's, and not another stack's.

A command without .env reaches whatever listens on the default port, and every stack has the same logins.
"""

import sys
from pathlib import Path

from lakehouse.errors import SourceMismatch
from lakehouse.settings import Settings
from lakehouse.source.postgres import Connection, system_identifier

OWN_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
IDENTIFIER_BYTES = 8  # at the beginning of pg_control, since its first version


def read_data_identifier(data: Path) -> int | None:
    """Return the system identifier in a data folder's control file, None where no such file can be read."""
    try:
        with (data / "global" / "pg_control").open("rb") as file:
            identifier = file.read(IDENTIFIER_BYTES)
    except OSError:
        return None
    return int.from_bytes(identifier, sys.byteorder) if len(identifier) == IDENTIFIER_BYTES else None


def ensure_own_postgres(conn: Connection, settings: Settings) -> None:
    """Raise SourceMismatch where this checkout has a Postgres of its own, and another one answers on this machine."""
    own = read_data_identifier(settings.postgres_data_dir) if settings.db_host in OWN_HOSTS else None
    if own is not None and own != (found := system_identifier(conn)):
        raise SourceMismatch(
            f"the Postgres at {settings.db_host}:{settings.db_port} has system identifier {found}, and the one in "
            f"{settings.postgres_data_dir} has {own}: it is another stack's. Nothing was written. Set DB_PORT in .env "
            "to this stack's port and run `make up`; if this folder's data is of no use, run `make reset`."
        )
