"""The server's Java reads the users' file as Python writes it. A file with any other line lets nobody in."""

from collections.abc import Callable
from pathlib import Path

import pytest
from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

from lakehouse.serving.user_file import ITERATIONS, RESERVED_NAMES, remove_user, save_user

ACCENTED_PASSWORD = "corréct horse €🏅"
FEW_ITERATIONS = 1_000
GOOD_SALT, GOOD_HASH = "A" * 22 + "==", "A" * 43 + "="

Role = Callable[[str, str], str]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "users"


@pytest.fixture
def role(spark: SparkSession, file: Path) -> Role:
    """Return a function: the role of a name with a password, by the server's Java."""
    jvm = spark._jvm  # noqa: SLF001 - Spark has no public way to its JVM
    assert jvm is not None
    return lambda name, password: jvm.lakehouse.serving.UsersFile.roleOf(str(file), name, password)


def test_hash_that_python_writes_is_the_one_that_java_checks(role: Role, file: Path) -> None:
    save_user(file, "marie", "rh", ACCENTED_PASSWORD, ITERATIONS)
    save_user(file, "paul", "direction", "another one", FEW_ITERATIONS)
    assert role("marie", ACCENTED_PASSWORD) == "RH"
    assert role("paul", "another one") == "DIRECTION"
    assert role("paul", ACCENTED_PASSWORD) == "NONE"


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("marie", ""),
        ("marie", "x"),
        ("marie", f"{ACCENTED_PASSWORD} "),
        ("marie", ACCENTED_PASSWORD.upper()),
        *((name, ACCENTED_PASSWORD) for name in ("Marie", "marie ", "paul", "", "marie\n")),
        ("admin", "x"),
        ("owner", ""),
    ],
)
def test_any_other_name_or_password_has_no_role(role: Role, file: Path, name: str, password: str) -> None:
    save_user(file, "marie", "rh", ACCENTED_PASSWORD, FEW_ITERATIONS)
    assert role(name, password) == "NONE"


def test_accent_as_one_character_or_two_is_the_same_password(role: Role, file: Path) -> None:
    save_user(file, "marie", "rh", "e\u0301te\u0301 2026", FEW_ITERATIONS)
    assert role("marie", "été 2026") == "RH"
    assert role("marie", "e\u0301te\u0301 2026") == "RH"


def test_change_holds_at_the_next_login(role: Role, file: Path) -> None:
    assert role("marie", ACCENTED_PASSWORD) == "NONE"
    save_user(file, "marie", "rh", ACCENTED_PASSWORD, FEW_ITERATIONS)
    assert role("marie", ACCENTED_PASSWORD) == "RH"
    save_user(file, "marie", "direction", "", FEW_ITERATIONS)
    assert role("marie", ACCENTED_PASSWORD) == "DIRECTION"
    save_user(file, "marie", None, "another one", FEW_ITERATIONS)
    assert role("marie", ACCENTED_PASSWORD) == "NONE"
    assert role("marie", "another one") == "DIRECTION"
    remove_user(file, "marie")
    assert role("marie", "another one") == "NONE"


@pytest.mark.parametrize(
    "line",
    [
        "",
        "marie:rh:secret",
        f"marie:owner:pbkdf2_sha256:1000:{GOOD_SALT}:{GOOD_HASH}",
        f"marie:NONE:pbkdf2_sha256:1000:{GOOD_SALT}:{GOOD_HASH}",
        *(f"{name}:rh:pbkdf2_sha256:1000:{GOOD_SALT}:{GOOD_HASH}" for name in RESERVED_NAMES),
        f"marie:rh:plain:1000:{GOOD_SALT}:{GOOD_HASH}",
        f"marie:rh:pbkdf2_sha256:0:{GOOD_SALT}:{GOOD_HASH}",
        f"marie:rh:pbkdf2_sha256:99999999999:{GOOD_SALT}:{GOOD_HASH}",
        f"marie:rh:pbkdf2_sha256:1000:AAAA:{GOOD_HASH}",
        f"marie:rh:pbkdf2_sha256:1000:{GOOD_SALT}:AAAA",
        f"marie:rh:pbkdf2_sha256:1000:{GOOD_SALT}:{'*' * 44}",
        f"marie:rh:pbkdf2_sha256:1000:{GOOD_SALT}:{GOOD_HASH}:x",
        f"paul:rh:pbkdf2_sha256:1000:{GOOD_SALT}:{GOOD_HASH}",
    ],
)
def test_file_with_another_line_lets_nobody_in(role: Role, file: Path, line: str) -> None:
    save_user(file, "paul", "rh", ACCENTED_PASSWORD, FEW_ITERATIONS)
    with file.open("a", encoding="utf-8") as opened:
        opened.write(f"{line}\n")
    with pytest.raises(Py4JJavaError, match="Line 2 of the users' file is no user"):
        role("paul", ACCENTED_PASSWORD)


def test_answers_take_longer_from_the_fifth_wrong_password_on(spark: SparkSession) -> None:
    assert spark._jvm is not None  # noqa: SLF001 - Spark has no public way to its JVM
    wait = spark._jvm.lakehouse.serving.FailedLogins.waitMillis  # noqa: SLF001
    assert [wait(number) for number in range(1, 12)] == [0] * 4 + [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]
    assert wait(2**31 - 1) == 30_000
