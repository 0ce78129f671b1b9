"""The passwords of logins and accounts: each from its variable, else from the file that its _FILE variable names."""

from typing import Literal

from lakehouse.errors import NotReady
from lakehouse.private_file import read_secret_file
from lakehouse.settings import Settings

Password = Literal[
    "db_password",
    "db_loader_password",
    "db_capture_password",
    "db_worker_password",
    "db_distance_password",
    "db_notifier_password",
    "db_reader_password",
    "connect_password",
    "kafka_password",
    "kafka_connect_password",
    "kafka_controller_password",
    "kafka_stream_password",
    "kafka_refresh_password",
    "kafka_distance_password",
    "kafka_notifier_password",
]


def password_of(settings: Settings, name: Password, field: Password) -> dict[str, object]:
    """Return the update of settings that puts a password, or its file, in the place of another one."""
    return {field: getattr(settings, name), f"{field}_file": getattr(settings, f"{name}_file")}


def read_password(settings: Settings, name: Password) -> str:
    """Return a password, as it is now: a long-lived process finds a changed one at its next login.

    Raises NotReady where neither variable nor file has one; there is no default.
    """
    password, file = getattr(settings, name), getattr(settings, f"{name}_file")
    if password:
        return str(password.get_secret_value())
    try:
        text = read_secret_file(file)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise NotReady(
            f"no {name.upper()} is set, and {file} cannot be read ({reason}). The first `make up` makes that file; "
            f"for a service elsewhere, set {name.upper()} in .env."
        ) from None
    if not text:
        raise NotReady(f"{file} is empty. Delete it: the next `make up` makes another password.")
    return text
