"""The secrets of a stack: one file each in its folder run/secrets, written at its start for the services to read."""

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import get_args

from lakehouse.passwords import Password, read_password
from lakehouse.private_file import read_secret_file, write_private_file
from lakehouse.settings import ROOT, SECRETS_DIR, Settings

PASSWORDS: tuple[Password, ...] = get_args(Password)  # random where none is named
OPTIONAL_SECRETS = ("api_key_maps", "slack_webhook_url", "thrift_certificate_password")
RANDOM_BYTES = 32


def secret_path(folder: Path, name: str) -> Path:
    """Return the file of a secret, which is called like its setting."""
    return folder / name.replace("_", "-")


def named_secrets(settings: Settings, folder: Path) -> dict[str, str]:
    """Return the secrets that the settings name: by their value, or by a file that is no stack's own.

    Raises NotReady where such a file cannot be read.
    """
    own = {folder, ROOT / SECRETS_DIR}
    named: dict[str, str] = {
        name: read_password(settings, name)
        for name in PASSWORDS
        if getattr(settings, name) or getattr(settings, f"{name}_file").parent not in own
    }
    optional = {name: getattr(settings, name) for name in OPTIONAL_SECRETS}
    return {**named, **{name: str(value.get_secret_value()) for name, value in optional.items() if value}}


def with_password_files(settings: Settings, folder: Path) -> Settings:
    """Return the settings with each password read from the folder: what its file has is what Postgres has."""
    files = {f"{name}_file": secret_path(folder, name) for name in PASSWORDS}
    return settings.model_copy(update={**dict.fromkeys(PASSWORDS), **files})


def write_secrets(folder: Path, named: Mapping[str, str]) -> None:
    """Write each secret that is named, and a random password where none is and there is no file yet.

    A file that has its secret already keeps its identity. An optional secret that is named no longer has no file.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    for name in PASSWORDS:
        write_password(secret_path(folder, name), named.get(name))
    for optional in OPTIONAL_SECRETS:
        path = secret_path(folder, optional)
        if optional in named:
            _write_if_changed(path, named[optional], _read_or_none(path))
        else:
            path.unlink(missing_ok=True)


def write_password(path: Path, named: str | None, mode: int = 0o600) -> None:
    """Write the password that is named, and a random one where none is and the file has none yet."""
    current = _read_or_none(path)
    _write_if_changed(path, named or current or secrets.token_urlsafe(RANDOM_BYTES), current)
    path.chmod(mode)


def _write_if_changed(path: Path, secret: str, current: str | None) -> None:
    if secret == current:
        path.chmod(0o600)
    else:
        write_private_file(path, secret)


def _read_or_none(path: Path) -> str | None:
    try:
        return read_secret_file(path) or None
    except (OSError, UnicodeDecodeError):
        return None
