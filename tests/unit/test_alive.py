"""Law: a service is well as long as it says so, and not for longer."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lakehouse import alive


def _check(question: str, **environment: str) -> int:
    command = [sys.executable, "-m", "lakehouse.alive", question]
    return subprocess.run(command, env={**os.environ, **environment}, capture_output=True, check=False).returncode


def test_a_service_is_well_as_long_as_its_sign_is_fresh(tmp_path: Path) -> None:
    file = tmp_path / "alive"
    assert _check("60", ALIVE_FILE=str(file)) == 1
    alive.sign(file)()
    assert _check("60", ALIVE_FILE=str(file)) == 0
    os.utime(file, (time.time() - 61, time.time() - 61))
    assert _check("60", ALIVE_FILE=str(file)) == 1
    alive.sign(file)()
    assert _check("60", ALIVE_FILE=str(file)) == 0


def test_nothing_is_written_where_no_sign_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    alive.sign(None)()
    assert not list(tmp_path.iterdir())


def test_a_server_is_well_when_somebody_listens() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
        assert _check(f":{port}") == 1
        server.listen()
        assert _check(f":{port}") == 0


def test_a_question_that_is_none_is_told_what_one_looks_like() -> None:
    assert _check("soon", ALIVE_FILE="/nowhere") == 2
    assert _check("60", ALIVE_FILE="/nowhere/at/all") == 1
