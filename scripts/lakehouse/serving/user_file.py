"""The Thrift server's users, in a file that the server reads at each login.

One user a line: `name:role:pbkdf2_sha256:iterations:salt:hash`, the last two in base64. UsersFile.java reads the same.
Without a file, `admin` needs no password. A file without a line lets nobody in.
"""

import base64
import binascii
import fcntl
import hashlib
import re
import secrets
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from lakehouse.errors import BadInput
from lakehouse.private_file import write_private_file

ROLES = ("rh", "direction")
RESERVED_NAMES = ("admin", "owner")
ALGORITHM = "pbkdf2_sha256"
ITERATIONS = 600_000  # OWASP, Password Storage Cheat Sheet: PBKDF2 with HMAC-SHA256
MAX_ITERATIONS = 10_000_000  # of UsersFile.java
SALT_BYTES = 16
HASH_BYTES = 32
NAME_PATTERN = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
NAME_FORM = "1 to 64 characters of a-z 0-9 . _ -, the first one a letter or a digit"
MIN_PASSWORD_LENGTH = 8
MAX_PASSWORD_BYTES = 1_000  # the server refuses a login of more than 4,096
# What clients send for "no password": whoever has one of these would be let in without any.
CLIENT_DEFAULTS = frozenset({"x", "anonymous", "password"})


@dataclass(frozen=True)
class User:
    """A user, and what proves the password without being it."""

    name: str
    role: str
    iterations: int
    salt: bytes
    digest: bytes

    def render(self) -> str:
        """Return the user's line of the file."""
        salt, digest = (base64.b64encode(part).decode("ascii") for part in (self.salt, self.digest))
        return f"{self.name}:{self.role}:{ALGORITHM}:{self.iterations}:{salt}:{digest}\n"


def read_users(path: Path) -> dict[str, User]:
    """Return the users by their names; none where there is no file yet.

    Raises BadInput where the file cannot be read, or holds anything else. It names the line and never quotes it.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise BadInput(
            f"{path} cannot be read ({type(error).__name__}): it is the Thrift server's user's own."
        ) from None
    users: dict[str, User] = {}
    for number, line in enumerate(lines, 1):
        user = _parse(line)
        if user is None or user.name in users:
            raise BadInput(f"{path}, line {number}, is no user of the Thrift server. Remove the line, or the file.")
        users[user.name] = user
    return users


def save_user(path: Path, name: str, role: str | None, password: str, iterations: int = ITERATIONS) -> bool:
    """Create a user, or change the role, the password or both; return whether the user is a new one.

    A role of None and an empty password leave what an existing user has. Raises BadInput where a new one lacks either.
    """
    _check_name(name)
    if role not in {None, *ROLES}:
        raise BadInput(f"There is no such role. Choose one of {', '.join(ROLES)}.")
    with _locked(path):
        users = read_users(path)
        known = users.get(name)
        if known is None and (role is None or not password):
            missing = "a role (--role)" if role is None else "a password, by the prompt or by standard input"
            raise BadInput(f"{name} is a new user and needs {missing}. Nothing was changed.")
        user = known or User(name, role or "", iterations, b"", b"")
        if role is not None:
            user = replace(user, role=role)
        if password:
            salt = secrets.token_bytes(SALT_BYTES)
            digest = hash_password(check_password(name, password), salt, iterations)
            user = replace(user, iterations=iterations, salt=salt, digest=digest)
        _write(path, users | {name: user})
        return known is None


def remove_user(path: Path, name: str) -> int:
    """Remove a user, and return how many are left. Raises BadInput where there is no such user."""
    with _locked(path):
        users = read_users(path)
        if name not in users:
            raise BadInput("There is no such user. Nothing was changed. `make user` lists them.")
        _write(path, {other: user for other, user in users.items() if other != name})
        return len(users) - 1


def check_password(name: str, password: str) -> str:
    """Return the password as it is hashed; raise BadInput where it is none. The error never quotes it."""
    normal = unicodedata.normalize("NFC", password)
    if len(normal) < MIN_PASSWORD_LENGTH or len(normal.encode()) > MAX_PASSWORD_BYTES or not normal.isprintable():
        raise BadInput(
            f"A password has {MIN_PASSWORD_LENGTH} characters or more, {MAX_PASSWORD_BYTES} bytes at most, and no "
            "control character. Nothing was changed."
        )
    if normal.lower() in CLIENT_DEFAULTS | {name}:
        raise BadInput("This password is the name, or what a client sends where it has none. Nothing was changed.")
    return normal


def hash_password(password: str, salt: bytes, iterations: int) -> bytes:
    """Return PBKDF2 with HMAC-SHA256 (RFC 8018) of the password in UTF-8."""
    return hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations, HASH_BYTES)


def _check_name(name: str) -> None:
    if not NAME_PATTERN.fullmatch(name):
        raise BadInput(f"A user's name has {NAME_FORM}. Nothing was changed.")
    if name in RESERVED_NAMES:
        raise BadInput(f"{name} is a name of the server's own. Choose another one. Nothing was changed.")


def _parse(line: str) -> User | None:
    """Return the user of a line, or None where it is none."""
    fields = line.split(":")
    if len(fields) != 6:  # noqa: PLR2004 - the six of the module's docstring
        return None
    name, role, algorithm, iterations, salt, digest = fields
    if not NAME_PATTERN.fullmatch(name) or name in RESERVED_NAMES or role not in ROLES or algorithm != ALGORITHM:
        return None
    if not re.fullmatch(r"[1-9][0-9]{0,7}", iterations) or int(iterations) > MAX_ITERATIONS:
        return None
    try:
        parts = [base64.b64decode(part, validate=True) for part in (salt, digest)]
    except (binascii.Error, ValueError):
        return None
    is_whole = len(parts[0]) >= SALT_BYTES and len(parts[1]) == HASH_BYTES
    return User(name, role, int(iterations), *parts) if is_whole else None


def _write(path: Path, users: dict[str, User]) -> None:
    write_private_file(path, "".join(users[name].render() for name in sorted(users)))


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Let one command at a time change the file, so that no user is lost between two."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock_file = path.with_name(f".{path.name}.lock")
    try:
        with lock_file.open("a", encoding="ascii") as lock:
            lock_file.chmod(0o600)
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
    except PermissionError as error:
        raise BadInput(f"{error.filename} cannot be written: it is the Thrift server's user's own.") from None
