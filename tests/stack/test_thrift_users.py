"""Readers have names, passwords and roles; a change holds at once, and guessing takes longer and longer."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from lakehouse.local.stack import Stack
from lakehouse.retries import wait_until
from lakehouse.serving.client import QueryError, execute, query
from lakehouse.serving.user_file import remove_user, save_user
from lakehouse.settings import Settings
from support.thrift_connection import is_let_in, login_is_accepted, reader
from support.timing import seconds

READER_PASSWORD = "corréct horse"
FEW_ITERATIONS = 1_000
ENDED = r"\[LAKEHOUSE_REFUSED\] This login has ended"


@pytest.fixture
def users_file(settings: Settings) -> Iterator[Path]:
    """Yield the file of the users, which does not exist yet, and remove it: other tests read as admin."""
    yield settings.thrift_users_file
    settings.thrift_users_file.unlink(missing_ok=True)


def save(file: Path, name: str, role: str | None = "rh", password: str = READER_PASSWORD) -> None:
    save_user(file, name, role, password, FEW_ITERATIONS)


def test_from_the_first_user_on_admin_has_no_way_in_and_no_session(settings: Settings, users_file: Path) -> None:
    with reader(settings, "admin", "x") as admins:
        assert execute(admins, "SELECT 1").rows == [(1,)]
        save(users_file, "marie")
        with pytest.raises(QueryError, match=ENDED):
            execute(admins, "SELECT 1")
    for message in (b"\0admin\0x", b"\0admin\0anonymous", b"\0admin\0", b"admin\0x", b"\0admin\0password"):
        assert not login_is_accepted(settings, message)
    with reader(settings, "marie", READER_PASSWORD) as cursor:
        assert execute(cursor, "SELECT count(*) FROM gold.v_kpi").columns == ["count(1)"]
    for name, password in (
        ("marie", "x"),
        ("marie", READER_PASSWORD + " "),
        ("Marie", READER_PASSWORD),
        ("paul", READER_PASSWORD),
    ):
        assert not is_let_in(settings, name, password), name
    assert query(settings, "SELECT 1", as_owner=True).rows == [(1,)]
    remove_user(users_file, "marie")
    assert not login_is_accepted(settings, b"\0admin\0x")
    assert not is_let_in(settings, "marie", READER_PASSWORD)


def test_removal_and_another_role_end_a_session_and_another_password_does_not(
    settings: Settings, users_file: Path
) -> None:
    names = ("marie", "paul", "zoe", "leo")
    for name in names:
        save(users_file, name)
    with ExitStack() as sessions:
        cursors = {name: sessions.enter_context(reader(settings, name, READER_PASSWORD)) for name in names}
        remove_user(users_file, "marie")
        save(users_file, "paul", "direction", "")
        save(users_file, "zoe", None, "another one")
        for name in ("marie", "paul"):
            with pytest.raises(QueryError, match=ENDED):
                execute(cursors[name], "SELECT 1")
        for name in ("zoe", "leo"):
            assert execute(cursors[name], "SELECT 1").rows == [(1,)]
    assert {name: is_let_in(settings, name, READER_PASSWORD) for name in names} == {
        "marie": False,
        "paul": True,
        "zoe": False,
        "leo": True,
    }
    assert is_let_in(settings, "zoe", "another one")


def test_direction_sees_no_view_of_gold(settings: Settings, users_file: Path) -> None:
    save(users_file, "paul", "direction")
    with reader(settings, "paul", READER_PASSWORD) as cursor:
        assert "gold" not in {row[0] for row in execute(cursor, "SHOW DATABASES").rows}
        with pytest.raises(QueryError):
            execute(cursor, "SELECT * FROM gold.v_kpi")


def test_wrong_passwords_take_longer_from_the_fifth_on_and_are_noted_without_the_password(
    stack: Stack, settings: Settings, users_file: Path
) -> None:
    save(users_file, "lea")
    taking: list[float] = []
    for number in range(1, 7):
        start = time.monotonic()
        assert not is_let_in(settings, "lea", f"a wrong guess {number}")
        taking.append(time.monotonic() - start)
    assert taking[4] >= 1
    assert taking[5] >= 2
    assert is_let_in(settings, "lea", READER_PASSWORD)
    assert not is_let_in(settings, "a password in the wrong field", READER_PASSWORD)

    log = stack.logs / "spark-thrift.log"
    wait_until(
        lambda: "A wrong password for lea, 6 in a row" in log.read_text(encoding="utf-8"),
        timeout=seconds(10),
        missing="the sixth wrong password in the log",
    )
    text = log.read_text(encoding="utf-8")
    assert "A wrong password for a name that is not in the users' file" in text
    for secret in ("wrong guess", "wrong field", READER_PASSWORD):
        assert secret not in text


def test_file_with_another_line_lets_nobody_in_but_the_owner(settings: Settings, users_file: Path) -> None:
    save(users_file, "marie")
    with users_file.open("a", encoding="utf-8") as file:
        file.write("paul:rh:secret\n")
    assert not is_let_in(settings, "marie", READER_PASSWORD)
    assert not login_is_accepted(settings, b"\0admin\0x")
    assert not login_is_accepted(settings, b"\0paul\0secret")
