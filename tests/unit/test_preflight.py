"""Law: before any download, a missing resource is an error with the amounts found and needed."""

import ast
import errno
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from lakehouse import arguments, env_file, terminal, variables
from lakehouse.local import install_lock, jar_check, preflight


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
        ("127.0.0.1:29092", 29092),
        ("[::1]:29092,broker:9092", 29092),
        ("broker:9092", 19092),
    ],
)
def test_container_address_is_checked_on_the_published_port(tmp_path: Path, address: str, number: int) -> None:
    (tmp_path / ".env").write_text(f"KAFKA_BOOTSTRAP_SERVERS='{address}'\n", encoding="utf-8")
    assert ("Kafka", "KAFKA_BOOTSTRAP_SERVERS", number) in preflight.configured_ports(tmp_path)


def test_port_of_the_container_address_is_the_published_one(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("KAFKA_BOOTSTRAP_SERVERS=redpanda:9092\nKAFKA_PORT=29092\n", encoding="utf-8")
    assert ("Kafka", "KAFKA_BOOTSTRAP_SERVERS", 29092) in preflight.configured_ports(tmp_path)


def test_port_that_two_services_would_take_is_an_error(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("THRIFT_PORT=19092\n", encoding="utf-8")
    [failed] = [check for check in preflight.port_checks(tmp_path) if check.found.startswith("also")]
    assert not failed.is_ok
    assert (failed.name, failed.found) == ("port 19092", "also Kafka's")


@pytest.mark.parametrize(
    ("data", "ports"),
    [
        (
            b"\xef\xbb\xbfSLACK_WEBHOOK_URL=https://hooks.slack.example/x\r\nDB_PORT=27432\r\n",
            {5432: False, 27432: True},
        ),
        (b"# ports of mine\nDB_PORT=27999 # 5432 is the company server\n", {5432: False, 27999: True}),
        (b"export DB_PORT='27999'", {5432: False, 27999: True}),
    ],
    ids=["bom-crlf", "inline-comment", "export-quotes"],
)
def test_preflight_checks_the_port_that_an_untidy_env_file_names(
    tmp_path: Path, data: bytes, ports: dict[int, bool]
) -> None:
    (tmp_path / ".env").write_bytes(data)
    configured = {number for _, _, number in preflight.configured_ports(tmp_path)}
    assert {number: number in configured for number in ports} == ports


def test_wrong_value_is_two_lines_and_exit_code_2() -> None:
    completed = _preflight(DB_PORT="70000")
    assert completed.returncode == 2
    assert completed.stderr.splitlines() == [
        "error: DB_PORT (in the environment) is not a port: a whole number from 1 to 65535.",
        "Write it like this: DB_PORT=5432",
    ]
    assert completed.stdout == ""


@pytest.mark.parametrize(
    ("lines", "user", "found", "is_ok"),
    [
        ("", False, "admin, no password", True),
        ("", True, "users", True),
        ("THRIFT_BIND=127.0.0.1", False, "admin, no password", True),
        ("THRIFT_BIND=localhost", False, "admin, no password", True),
        ("THRIFT_BIND=::1", False, "admin, no password", True),
        ("LDAP_URL=ldaps://ldap", False, "no users", True),
        ("THRIFT_BIND=0.0.0.0", False, "admin, no password", False),
        ("THRIFT_BIND=0.0.0.0", True, "users", False),
        ("THRIFT_BIND=::", True, "users", False),
        ("THRIFT_BIND=0.0.0.0\nTHRIFT_CERTIFICATE=a.p12", False, "admin, no password", False),
        ("THRIFT_BIND=0.0.0.0\nTHRIFT_CERTIFICATE=a.p12", True, "users", True),
    ],
)
def test_other_machines_need_a_user_and_a_certificate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: str, user: bool, found: str, is_ok: bool
) -> None:
    for name in ("THRIFT_BIND", "THRIFT_CERTIFICATE", "THRIFT_USERS_FILE", "LDAP_URL"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / ".env").write_text(f"{lines}\n", encoding="utf-8")
    if user:
        (tmp_path / ".local" / "run" / "thrift").mkdir(parents=True)
        (tmp_path / ".local" / "run" / "thrift" / "users").write_text("marie:...\n", encoding="utf-8")
    check = preflight.check_readers(tmp_path)
    assert (check.found, check.is_ok) == (found, is_ok)
    assert "docs/access.md" in check.remedy


@pytest.mark.parametrize(
    "module",
    [preflight, install_lock, jar_check, arguments, env_file, terminal, variables],
    ids=lambda it: it.__name__,
)
def test_preflight_imports_only_the_standard_library_and_parses_on_python_3_7(module: ModuleType) -> None:
    tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"), feature_version=(3, 7))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            names = [f"lakehouse.{alias.name}" for alias in node.names]
            imported |= {*names} if node.module == "lakehouse" else {str(node.module)}
    ours = {"lakehouse", *(f"lakehouse.{name}" for name in ("arguments", "env_file", "terminal", "variables"))}
    assert {name.split(".")[0] for name in imported - ours} <= sys.stdlib_module_names
