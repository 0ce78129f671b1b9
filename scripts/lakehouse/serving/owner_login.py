"""The login of the views' initialiser, `owner`: the server makes a password at each start, in a file of its own."""

import secrets
from pathlib import Path

from lakehouse.errors import NotReady
from lakehouse.private_file import write_private_file

OWNER_LOGIN = "owner"


def create_owner_password(path: Path) -> None:
    """Write a new random password, which the server compares with at each login."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_private_file(path, secrets.token_urlsafe(32))


def read_owner_password(path: Path) -> str:
    """Return the password of the running server. Raises NotReady where there is none, or another user's."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise NotReady(
            f"{path} cannot be read ({error.strerror}): the Thrift server writes it at its start, for its own user."
        ) from error
