"""Law: before any download, a missing resource is an error with the amounts found and needed."""

import ast
import errno
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lakehouse.local import preflight


@pytest.fixture
def busy_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def _preflight(*options: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", preflight.__file__, *options]
    return subprocess.run(command, env=variables, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("options", "resource", "needed"),
    [
        (["--need-memory", "999999"], "memory", "999999 GiB"),
        (["--need-disk", "999999"], "disk", "999999 GiB"),
        (["--need-python", "9.1"], "Python", "9.1 or later"),
    ],
)
def test_insufficient_resource_is_an_error_with_found_and_needed(
    options: list[str], resource: str, needed: str
) -> None:
    completed = _preflight(*options, "--no-ports")
    assert completed.returncode == 1
    errors = completed.stderr.splitlines()
    assert [line.split(":")[1].strip() for line in errors] == [resource]
    assert f"needs {needed}" in errors[0]
    assert any(character.isdigit() for character in errors[0].split("found")[1].split("needs")[0])


def test_a_disk_without_hard_links_is_an_error_that_names_the_lake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    (tmp_path / "lake").mkdir()
    monkeypatch.setenv("LAKE_URI", str(tmp_path / "lake"))
    assert preflight.check_hard_links(tmp_path).is_ok
    monkeypatch.setattr(os, "link", refuse)
    check = preflight.check_hard_links(tmp_path)
    assert not check.is_ok
    assert str(tmp_path / "lake") in check.remedy
    assert [*(tmp_path / "lake").iterdir()] == []


def test_a_busy_port_is_an_error_that_names_its_variable(busy_port: int) -> None:
    completed = _preflight(DB_PORT=str(busy_port))
    assert completed.returncode == 1
    assert f"port {busy_port}: found busy" in completed.stderr
    assert "DB_PORT" in completed.stderr


def test_a_free_port_is_not_busy() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        number = reserved.getsockname()[1]
    assert not preflight.is_port_busy(number)


def test_busy_port_of_our_own_stack_is_no_error(busy_port: int) -> None:
    assert preflight.check_port("Postgres", "DB_PORT", busy_port, is_own=True).is_ok
    assert not preflight.check_port("Postgres", "DB_PORT", busy_port, is_own=False).is_ok


@pytest.mark.parametrize(
    ("address", "number"),
    [
        ("redpanda:9092", 19092),
        ("localhost:29092", 29092),
        ("http://127.0.0.1:29092", 29092),
        ("29092", 29092),
        ("", 19092),
    ],
)
def test_container_address_is_checked_on_the_published_port(tmp_path: Path, address: str, number: int) -> None:
    (tmp_path / ".env").write_text(f"KAFKA_BOOTSTRAP_SERVERS='{address}'\n", encoding="utf-8")
    assert ("Kafka", "KAFKA_BOOTSTRAP_SERVERS", number) in preflight.configured_ports(tmp_path)


def test_preflight_imports_only_the_standard_library_and_parses_on_python_3_7() -> None:
    tree = ast.parse(Path(preflight.__file__).read_text(encoding="utf-8"), feature_version=(3, 7))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in imported} <= sys.stdlib_module_names
