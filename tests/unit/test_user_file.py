"""The file of the Thrift server's users: salted hashes, private, replaced at once; any other line is an error."""

import hashlib
from pathlib import Path

import pytest

from lakehouse.errors import BadInput
from lakehouse.serving.user_file import read_users, remove_user, save_user

FEW_ITERATIONS = 1_000  # the form is the same, and a test is quicker
USER_PASSWORD = "correct horse"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "run" / "thrift-users"


def save(file: Path, name: str = "marie", role: str | None = "rh", password: str = USER_PASSWORD) -> bool:
    return save_user(file, name, role, password, FEW_ITERATIONS)


def test_user_is_a_name_a_role_and_a_salted_hash_in_a_private_file(file: Path) -> None:
    assert save(file)
    text = file.read_text(encoding="utf-8")
    assert file.stat().st_mode & 0o777 == 0o600
    assert text.startswith(f"marie:rh:pbkdf2_sha256:{FEW_ITERATIONS}:")
    assert USER_PASSWORD not in text
    user = read_users(file)["marie"]
    assert user.digest == hashlib.pbkdf2_hmac("sha256", USER_PASSWORD.encode(), user.salt, FEW_ITERATIONS)
    assert [path.name for path in file.parent.iterdir() if not path.name.endswith(".lock")] == ["thrift-users"]


def test_hash_of_a_command_has_the_iterations_that_owasp_names(file: Path) -> None:
    save_user(file, "marie", "rh", USER_PASSWORD)
    assert read_users(file)["marie"].iterations == 600_000


def test_same_password_has_another_salt_and_hash_for_each_user_and_each_time(file: Path) -> None:
    lines = set()
    for name in ("marie", "paul", "marie"):
        save(file, name)
        user = read_users(file)[name]
        lines |= {user.salt, user.digest}
    assert len(lines) == 6


def test_file_is_replaced_and_never_written_into(file: Path) -> None:
    save(file)
    with file.open(encoding="utf-8") as reader:
        save(file, "paul", "direction")
        assert len(reader.readlines()) == 1
    assert [*read_users(file)] == ["marie", "paul"]


def test_role_and_password_change_alone_or_together(file: Path) -> None:
    save(file)
    first = read_users(file)["marie"]
    assert not save(file, role="direction", password="")
    second = read_users(file)["marie"]
    assert (second.role, second.digest) == ("direction", first.digest)
    assert not save(file, role=None, password="another one")
    third = read_users(file)["marie"]
    assert third.role == "direction"
    assert third.digest != first.digest


def test_new_user_needs_a_role_and_a_password(file: Path) -> None:
    with pytest.raises(BadInput, match="needs a role"):
        save(file, role=None)
    with pytest.raises(BadInput, match="needs a password"):
        save(file, password="")
    assert not file.exists()


def test_file_stays_after_the_last_user_so_that_admin_stays_out(file: Path) -> None:
    save(file)
    save(file, "paul")
    assert remove_user(file, "marie") == 1
    assert remove_user(file, "paul") == 0
    assert file.read_text(encoding="utf-8") == ""
    assert read_users(file) == {}
    with pytest.raises(BadInput, match="no such user"):
        remove_user(file, "paul")


@pytest.mark.parametrize(
    "name",
    [
        "admin", "owner", "", "Marie", "MARIE", "hélène", "marie durand", " marie", "marie\n", "m:rh", "-marie", ".m",
        "marie/x", "marie@x.fr", "m" * 65, "ｍarie", "marie\0", "*",
    ],
)  # fmt: skip
def test_name_that_the_server_would_not_know_is_refused(file: Path, name: str) -> None:
    with pytest.raises(BadInput, match="Nothing was changed"):
        save(file, name)
    assert not file.exists()


@pytest.mark.parametrize("name", ["marie", "m", "m.durand", "marie-claude", "m_2", "0", "m" * 64])
def test_name_in_its_form_is_accepted(file: Path, name: str) -> None:
    assert save(file, name)
    assert [*read_users(file)] == [name]


@pytest.mark.parametrize(
    "password",
    [
        "short", "x", "anonymous", "password", "Password", "marie.durand", "1234567", "tab\tulator", "nul\0nul\0",
        "é" * 501,
    ],
)  # fmt: skip
def test_password_that_is_none_is_refused_without_being_quoted(file: Path, password: str) -> None:
    with pytest.raises(BadInput) as refused:
        save(file, "marie.durand", "rh", password)
    words = str(refused.value).replace("This password is", "").replace("A password has", "")
    assert len(password) == 1 or password not in words
    assert not file.exists()


def test_accent_typed_as_two_characters_is_the_same_password(file: Path) -> None:
    save(file, password="e\u0301te\u0301 2026")
    user = read_users(file)["marie"]
    assert user.digest == hashlib.pbkdf2_hmac("sha256", "été 2026".encode(), user.salt, FEW_ITERATIONS)


GOOD_SALT, GOOD_HASH = "A" * 22 + "==", "A" * 43 + "="


@pytest.mark.parametrize(
    "line",
    [
        "",
        "marie",
        "marie:rh",
        "marie:rh:secret",
        f"marie:owner:pbkdf2_sha256:1000:{GOOD_SALT}:{GOOD_HASH}",
        f"marie:RH:pbkdf2_sha256:1000:{GOOD_SALT}:{GOOD_HASH}",
        f"admin:rh:pbkdf2_sha256:1000:{GOOD_SALT}:{GOOD_HASH}",
        f"owner:rh:pbkdf2_sha256:1000:{GOOD_SALT}:{GOOD_HASH}",
        f"marie:rh:plain:1000:{GOOD_SALT}:{GOOD_HASH}",
        f"marie:rh:pbkdf2_sha256:0:{GOOD_SALT}:{GOOD_HASH}",
        f"marie:rh:pbkdf2_sha256:-1:{GOOD_SALT}:{GOOD_HASH}",
        f"marie:rh:pbkdf2_sha256:10000001:{GOOD_SALT}:{GOOD_HASH}",
        f"marie:rh:pbkdf2_sha256:1000:AAAA:{GOOD_HASH}",
        f"marie:rh:pbkdf2_sha256:1000:{GOOD_SALT}:AAAA",
        f"marie:rh:pbkdf2_sha256:1000:{GOOD_SALT}:{GOOD_HASH}:x",
        f"marie:rh:pbkdf2_sha256:1000:{GOOD_SALT}:{'*' * 44}",
        f"marie:rh:pbkdf2_sha256:1000:{GOOD_SALT}:{GOOD_HASH} ",
    ],
)
def test_any_other_line_is_an_error_that_names_it_and_nothing_is_changed(file: Path, line: str) -> None:
    save(file, "paul")
    text = file.read_text(encoding="utf-8") + line + "\n"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match=r"thrift-users, line 2, is no user"):
        save(file)
    assert file.read_text(encoding="utf-8") == text


def test_user_twice_in_the_file_is_an_error(file: Path) -> None:
    save(file)
    file.write_text(file.read_text(encoding="utf-8") * 2, encoding="utf-8")
    with pytest.raises(BadInput, match="line 2"):
        read_users(file)


def test_file_that_cannot_be_read_as_text_is_an_error_with_its_path(file: Path) -> None:
    save(file)
    file.write_bytes(b"\xff\xfe\n")
    with pytest.raises(BadInput, match="thrift-users cannot be read"):
        read_users(file)
