"""Law: a service is healthy while its heartbeat is fresh or its port is open, and no longer."""

import os
import socket
import subprocess
import time
from pathlib import Path

import pytest

from lakehouse import healthcheck
from lakehouse.settings import ROOT


def _run_healthcheck(argument: str, **environment: str) -> int:
    command = ["sh", str(ROOT / "scripts" / "healthcheck.sh"), argument]
    return subprocess.run(command, env={**os.environ, **environment}, capture_output=True, check=False).returncode


def test_service_is_healthy_while_its_heartbeat_is_fresh(tmp_path: Path) -> None:
    file = tmp_path / "alive"
    assert _run_healthcheck("60", HEARTBEAT_FILE=str(file)) == 1
    healthcheck.make_heartbeat(file)()
    assert _run_healthcheck("60", HEARTBEAT_FILE=str(file)) == 0
    os.utime(file, (time.time() - 61, time.time() - 61))
    assert _run_healthcheck("60", HEARTBEAT_FILE=str(file)) == 1
    healthcheck.make_heartbeat(file)()
    assert _run_healthcheck("60", HEARTBEAT_FILE=str(file)) == 0


def test_heartbeat_without_a_file_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    healthcheck.make_heartbeat(None)()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("argument", ["60", ":{port}"])
def test_container_that_was_restarted_more_than_three_times_in_a_minute_is_unhealthy(
    tmp_path: Path, argument: str
) -> None:
    beat, starts, now = tmp_path / "beat", tmp_path / "starts", int(time.time())
    beat.touch()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def check(*seconds_ago: int) -> int:
            starts.write_text("".join(f"{now - ago}\n" for ago in seconds_ago), encoding="utf-8")
            words = argument.format(port=server.getsockname()[1])
            return _run_healthcheck(words, HEARTBEAT_FILE=str(beat), STARTS_FILE=str(starts))

        assert check(3_600, 30, 20, 10, 1) == 0
        assert check(40, 30, 20, 10, 1) == 1
        assert check(400, 300, 200, 100, 70) == 0


def test_server_is_healthy_while_its_port_is_open() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
        assert _run_healthcheck(f":{port}") == 1
        server.listen()
        assert _run_healthcheck(f":{port}") == 0


def test_open_port_marks_the_file_that_its_check_names(tmp_path: Path) -> None:
    marked = tmp_path / "whole"
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        command = ["sh", str(ROOT / "scripts" / "healthcheck.sh"), f":{server.getsockname()[1]}", str(marked)]
        assert subprocess.run(command, check=False).returncode == 1
        assert not marked.exists()
        server.listen()
        assert subprocess.run(command, check=False).returncode == 0
        assert marked.exists()


def test_invalid_healthcheck_argument_exits_2() -> None:
    assert _run_healthcheck("soon", HEARTBEAT_FILE="/nowhere") == 2
    assert _run_healthcheck("60", HEARTBEAT_FILE="") == 1
    assert _run_healthcheck("60", HEARTBEAT_FILE="/nowhere/at/all") == 1
