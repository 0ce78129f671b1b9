"""A stack can be interrupted, killed, started and stopped in any order, and names why a service did not start.

Postgres stands for all services: their supervision is the same, and it starts in a second.
"""

import os
import re
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from pydantic import SecretStr

from lakehouse.errors import NotReady, SourceMismatch
from lakehouse.local import postgres_server
from lakehouse.local.secret_store import PASSWORDS
from lakehouse.local.service import Service
from lakehouse.local.service_addresses import on_free_ports
from lakehouse.local.stack import Stack
from lakehouse.passwords import read_password
from lakehouse.settings import Settings
from lakehouse.source.ddl import apply_ddl
from lakehouse.source.own_postgres import read_data_identifier
from lakehouse.source.postgres import connect, system_identifier
from lakehouse.source.roles import PASSWORD_NAMES
from support.timing import seconds


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    stack = Stack.on_free_ports(tmp_path)
    yield stack
    stack.down()


def _pid(stack: Stack) -> int:
    [pid] = [service.pid for service in stack.status() if service.name == "postgres"]
    assert pid
    return pid


def _supervisord(stack: Stack) -> int:
    return int((stack.home / "run" / "supervisord.pid").read_text(encoding="utf-8"))


def test_running_service_is_not_restarted_by_a_second_up(stack: Stack) -> None:
    stack.up("postgres")
    pid = _pid(stack)
    stack.up("postgres")
    assert _pid(stack) == pid


def test_half_initialised_data_folder_is_recreated(stack: Stack) -> None:
    unfinished = stack.home / "postgres" / "unfinished"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("16\n", encoding="utf-8")
    stack.up("postgres")
    assert not unfinished.exists()


def test_data_survives_down_and_up(stack: Stack) -> None:
    stack.up("postgres")
    with connect(stack.settings) as conn:
        conn.execute("INSERT INTO cdc.heartbeat VALUES (7, now())")
    stack.down()
    stack.down()
    stack.up("postgres")
    with connect(stack.settings) as conn:
        assert conn.execute("SELECT id FROM cdc.heartbeat").fetchall() == [(7,)]


def test_killed_service_is_restarted(stack: Stack) -> None:
    stack.up("postgres")
    killed = _pid(stack)
    os.kill(killed, signal.SIGKILL)
    stack.up("postgres")
    assert _pid(stack) != killed


def test_postgres_of_another_stack_is_neither_ready_nor_written(stack: Stack, tmp_path: Path) -> None:
    stack.up("postgres")
    with connect(stack.settings) as conn:
        assert read_data_identifier(stack.settings.postgres_data_dir) == system_identifier(conn)
    other = stack.settings.model_copy(update={"postgres_data_dir": tmp_path / "other" / "data"})
    postgres_server.create_data_dir(other.postgres_data_dir, other)
    assert "it is another stack's" in str(postgres_server.check_readiness(other))
    with connect(other, autocommit=True) as conn:
        conn.execute("DROP TABLE cdc.heartbeat")
        with pytest.raises(SourceMismatch, match="Nothing was written"):
            apply_ddl(other)
        assert conn.execute("SELECT to_regclass('cdc.heartbeat')").fetchall() == [(None,)]


def test_optional_service_starts_where_it_is_named_and_again_where_it_is_outdated(tmp_path: Path) -> None:
    outdated = [False]

    def two_services(_home: Path, _settings: Settings) -> list[Service]:
        sleeping = ("sleep", "600")
        return [
            Service("first", sleeping),
            Service("second", sleeping, optional=True, is_outdated=lambda: outdated[0]),
        ]

    stack = Stack(tmp_path, on_free_ports(tmp_path), service_factory=two_services)
    try:
        stack.up()
        assert [service.name for service in stack.status()] == ["first"]
        stack.up("second")
        pids = {service.name: service.pid for service in stack.status()}
        assert [*pids] == ["first", "second"]
        stack.up("second")
        assert {service.name: service.pid for service in stack.status()} == pids
        outdated[0] = True
        stack.up("first", "second")
        again = {service.name: service.pid for service in stack.status()}
        assert (again["first"] == pids["first"], again["second"] == pids["second"]) == (True, False)
    finally:
        stack.down()


@pytest.mark.parametrize("command", ["up", "down"])
def test_orphan_of_a_killed_supervisor_is_killed(stack: Stack, command: str) -> None:
    stack.up("postgres")
    orphan = psutil.Process(_pid(stack))
    supervisord = psutil.Process(_supervisord(stack))
    supervisord.kill()
    psutil.wait_procs([supervisord], timeout=seconds(10))
    assert orphan.is_running()
    stack.up("postgres") if command == "up" else stack.down()
    assert not orphan.is_running()


def test_a_busy_port_is_an_error_that_names_service_and_log(stack: Stack) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", stack.settings.db_port))
        busy.listen()
        log = re.escape(str(stack.logs / "postgres.log"))
        with pytest.raises(
            NotReady, match=rf"postgres: it ended while it was starting.*{log}, which ends with:\n(.*\n)*.*in use"
        ):
            stack.up("postgres")


def test_password_is_random_at_the_first_start_and_one_that_is_named_later_is_changed_in_postgres(
    tmp_path: Path,
) -> None:
    own = on_free_ports(tmp_path)
    stack = Stack(tmp_path, own)
    try:
        stack.up("postgres")
        random = {name: read_password(stack.settings, name) for name in PASSWORDS}
        for path in (tmp_path / "run" / "secrets").iterdir():
            assert path.stat().st_mode & 0o077 == 0
        stack.down()
        named: dict[str, SecretStr] = {name: SecretStr(f"it's {name} é \\") for name in PASSWORDS}
        stack = Stack(tmp_path, own.model_copy(update=named))
        stack.up("postgres")
        for user, name in {"postgres": PASSWORDS[0], **PASSWORD_NAMES}.items():
            login = stack.settings.model_copy(update={"db_user": user, "db_password": named[name]})
            with connect(login) as conn:
                assert conn.execute("SELECT current_user::text").fetchall() == [(user,)]
            with pytest.raises(NotReady, match="password authentication failed"):
                connect(login.model_copy(update={"db_password": SecretStr(random[name])}))
    finally:
        stack.down()
