"""A person's own tools get the source database's address, and a login that is no superuser's."""

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from psycopg2.extensions import parse_dsn  # noqa: TID251 - libpq's own reading, and no connection
from pydantic import SecretStr

from lakehouse.errors import NotReady
from lakehouse.local import source_address
from lakehouse.local.source_address import compose_settings, render_address
from lakehouse.passwords import read_password
from lakehouse.settings import Settings
from lakehouse.source.roles import LOADER_ROLE, READER_ROLE, as_login

AWKWARD = ("simple", "a b", "p@ss:w/o?r#d%&=+", "'\"$`\\", "été €", "[::1]")


@pytest.mark.parametrize("password", AWKWARD)
@pytest.mark.parametrize("host", ["localhost", "10.0.0.7", "::1", "pg.example.org"])
def test_libpq_reads_the_address_as_it_was_meant(password: str, host: str) -> None:
    named = {"db_host": host, "db_port": 6543, "db_name": "rh sport/é", "db_reader_password": SecretStr(password)}
    settings = as_login(Settings(_env_file=None).model_copy(update=named), READER_ROLE)  # type: ignore[call-arg]
    read = parse_dsn(render_address(settings))
    assert (read["host"], read["port"], read["dbname"]) == (host, "6543", "rh sport/é")
    assert (read["user"], read["password"], read["sslmode"]) == (READER_ROLE, password, "prefer")


def test_address_of_composes_postgres_has_its_published_port_and_the_password_of_its_volume(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compose = tmp_path / "compose"
    compose.write_text(
        "#!/bin/sh\n"
        'case "$*" in\n'
        '*"cat postgres-init /run/secrets/db-loader-password/value") echo of-the-loader ;;\n'
        '"port postgres 5432") echo 127.0.0.1:7777 ;;\n'
        '*"printenv POSTGRES_DB") echo rh ;;\n'
        "*) exit 1 ;;\nesac\n"
    )
    compose.chmod(0o755)
    monkeypatch.setattr(source_address, "ROOT", tmp_path)
    settings = compose_settings((str(compose),), LOADER_ROLE)
    assert read_password(settings, "db_password") == "of-the-loader"
    assert (settings.db_host, settings.db_port, settings.db_name) == ("127.0.0.1", 7777, "rh")
    with pytest.raises(NotReady, match="its Postgres does not"):
        compose_settings((str(compose),), READER_ROLE)


def test_program_prints_one_line_for_the_role_that_was_named(tmp_path: Path) -> None:
    environment = {
        "PATH": str(tmp_path),
        "LAKEHOUSE_ENVIRONMENT_ONLY": "yes",
        "HOME": str(tmp_path),
        "DB_LOADER_PASSWORD": "l",
        "DB_READER_PASSWORD": "r",
        "DB_HOST": "h",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    for role, user, password in (("loader", LOADER_ROLE, "l"), ("reader", READER_ROLE, "r")):
        command = [sys.executable, "-m", "lakehouse.local.source_address", "--role", role]
        printed = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
        address = urlsplit(printed.strip())
        assert (address.username, unquote(address.password or ""), address.hostname) == (user, password, "h")
