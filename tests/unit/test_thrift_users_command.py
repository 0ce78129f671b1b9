"""`make user` lists, creates, changes and removes users; the password comes by a prompt or standard input alone."""

import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lakehouse.errors import BadInput
from lakehouse.serving.password_input import read_password
from lakehouse.serving.user_file import read_users
from lakehouse.settings import ROOT

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def users_file(tmp_path: Path) -> Path:
    return tmp_path / "users"


@pytest.fixture
def command(users_file: Path) -> Command:
    """Return a function that runs the command with arguments and a standard input."""

    def run(*arguments: str, password: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, ROOT / "scripts" / "Jobs_Spark" / "thrift_users.py", *arguments],
            env={**os.environ, "THRIFT_USERS_FILE": str(users_file), "LAKEHOUSE_ENVIRONMENT_ONLY": "yes"},
            input=password,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_user_is_created_listed_changed_and_removed(command: Command, users_file: Path) -> None:
    assert "no user: admin needs no password" in command().stdout
    created = command("--name", "marie", "--role", "rh", password="correct horse\n")
    assert (created.returncode, created.stderr) == (0, "")
    assert "marie is created" in created.stdout
    assert "admin without a password is refused" in created.stdout
    assert command().stdout == "marie  rh\n"
    first = read_users(users_file)["marie"].digest
    assert "marie is changed" in command("--name", "marie", "--role", "direction").stdout
    assert command().stdout == "marie  direction\n"
    assert read_users(users_file)["marie"].digest == first
    assert command("--name", "marie", password="another one\n").returncode == 0
    assert read_users(users_file)["marie"].digest != first
    removed = command("--name", "marie", "--remove")
    assert "marie is removed" in removed.stdout
    assert f"delete {users_file}" in removed.stdout


@pytest.mark.parametrize(
    ("arguments", "password", "code", "message"),
    [
        (("--name", "marie", "--role", "rh"), "", 1, "needs a password"),
        (("--name", "marie"), "correct horse", 1, "needs a role"),
        (("--name", "marie", "--role", "rh"), "short\n", 1, "8 characters or more"),
        (("--name", "admin", "--role", "rh"), "correct horse", 1, "a name of the server's own"),
        (("--name", "Marie", "--role", "rh"), "correct horse", 1, "A user's name has"),
        (("--name", "marie", "--remove"), "", 1, "no such user"),
        (("--name", "marie", "--role", "chef"), "correct horse", 2, "--role"),
        (("--role", "rh"), "correct horse", 2, "of one user"),
        (("--remove",), "", 2, "of one user"),
        (("--name", "marie", "--role", "rh", "--password", "correct horse"), "", 2, "unrecognized arguments"),
    ],
)
def test_wrong_use_ends_in_an_error_and_no_file(
    command: Command, users_file: Path, arguments: tuple[str, ...], password: str, code: int, message: str
) -> None:
    completed = command(*arguments, password=password)
    assert completed.returncode == code
    assert message in completed.stderr
    assert "correct horse" not in completed.stderr.replace("unrecognized arguments: --password correct horse", "")
    assert not users_file.exists()


class Terminal(io.StringIO):
    """A terminal, at which a person types answers."""

    def isatty(self) -> bool:
        return True


def test_password_is_typed_twice_at_a_prompt() -> None:
    answers = iter(["correct horse", "correct horse", "correct horse", "another", ""])
    prompts: list[str] = []

    def answer(prompt: str) -> str:
        prompts.append(prompt)
        return next(answers)

    assert read_password(Terminal(), answer) == "correct horse"
    with pytest.raises(BadInput, match="differ"):
        read_password(Terminal(), answer)
    assert read_password(Terminal(), answer) == ""
    assert len(prompts) == 5


@pytest.mark.parametrize(
    ("data", "password"),
    [
        (b"correct horse\n", "correct horse"), (b"correct horse", "correct horse"), (b"", ""), (b"\n", ""),
        (b"correct horse\r\nmore\r\n", "correct horse"), (b"\xef\xbb\xbfcorrect horse\n", "correct horse"),
        (b" a b \n", " a b "), ("été 2026\n".encode(), "été 2026"),
    ],
)  # fmt: skip
def test_password_is_the_first_line_of_standard_input_whatever_the_locale(data: bytes, password: str) -> None:
    source = io.TextIOWrapper(io.BytesIO(data), encoding="ascii")
    assert read_password(source) == password


def test_password_in_another_encoding_is_an_error() -> None:
    with pytest.raises(BadInput, match="UTF-8"):
        read_password(io.TextIOWrapper(io.BytesIO("été 2026".encode("cp1252"))))
