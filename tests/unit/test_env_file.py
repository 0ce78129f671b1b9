"""Law: .env means to us what it means to docker-compose; what the two would read differently is refused in words."""

import os
import re
from pathlib import Path

import pytest

from lakehouse.env_file import EnvError, read_env_file, read_generated_file
from lakehouse.settings import ROOT

SECRET = "hunter2-geheim"


def read(tmp_path: Path, data: bytes | str) -> dict[str, str]:
    path = tmp_path / ".env"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return {name: assignment.value for name, assignment in read_env_file(path).items()}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("DB_PORT=27999", "27999"),
        ("DB_PORT=27999 # 5432 is the company server", "27999"),
        ("DB_PORT=27999  \t # a comment # and more", "27999"),
        ("DB_PORT = 27999", "27999"),
        ("  export\tDB_PORT=27999  ", "27999"),
        ("DB_PORT='27999'", "27999"),
        ('DB_PORT="27999" # a comment', "27999"),
        ("DB_PORT='27 # 999'", "27 # 999"),
        ("DB_PORT='$HOME ${X} \\n #'", "$HOME ${X} \\n #"),
        ('DB_PORT="it\'s"', "it's"),
        ("DB_PORT=it's a 12\"", "it's a 12\""),
        ("DB_PORT=a=b==", "a=b=="),
        ("DB_PORT=C:\\folder", "C:\\folder"),
        ("DB_PORT=' 27999 '", " 27999 "),
        ("DB_PORT=", ""),
        ("DB_PORT=''", ""),
        ("# one\n\n   # two\nDB_PORT=27999\n\n", "27999"),
        ("# 👨‍👩‍👧 a comment may hold anything\nDB_PORT=27999", "27999"),
        ("DB_PORT=Élysée 🚲", "Élysée 🚲"),
    ],
)
def test_value_is_what_docker_compose_reads(tmp_path: Path, text: str, value: str) -> None:
    assert read(tmp_path, text) == {"DB_PORT": value}


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"], ids=["plain", "bom"])
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize("last", [b"", b"\r"], ids=["", "cut-off"])
def test_byte_order_mark_and_line_ends_are_no_part_of_a_value(
    tmp_path: Path, bom: bytes, line_end: bytes, last: bytes
) -> None:
    data = bom + line_end.join([b"DB_PORT=27432", b"THRIFT_PORT=27000"]) + last
    assert read(tmp_path, data) == {"DB_PORT": "27432", "THRIFT_PORT": "27000"}


@pytest.mark.parametrize(
    ("text", "problem", "remedy"),
    [
        (f"DB_PASSWORD={SECRET}$X", "DB_PASSWORD (.env, line 1) has a $", "single quotes"),
        (f'DB_PASSWORD="{SECRET}${{X}}"', "has a $", "single quotes"),
        (f"DB_PASSWORD={SECRET}#1", "has a # without a space before it", "single quotes"),
        (f"DB_PASSWORD={SECRET}\t# comment", "has a # without a space before it", "A comment needs a space"),
        (f"DB_PASSWORD= # {SECRET}", "right after the =", "on a line of its own"),
        (f"DB_PASSWORD=#{SECRET}", "right after the =", "single quotes"),
        (f'DB_PASSWORD="{SECRET}\\n"', "a backslash in double quotes", "single quotes"),
        (f"DB_PASSWORD='{SECRET}\\'", "a backslash before its last quote", "another character"),
        (f"DB_PASSWORD='{SECRET}\nsecond'", "does not end the value on this line", "one line"),
        (f'DB_PASSWORD="{SECRET}', "does not end the value on this line", "one line"),
        (f"DB_PASSWORD='{SECRET}'s'", "does not end the value on this line", "nothing but a comment"),
        (f"DB_PASSWORD=“{SECRET}”", "typographic quote", "single quotes"),
        (f"DB_PASSWORD={SECRET}\u00a0", "a space of another kind", "again"),
        (f"DB_PASSWORD: {SECRET}", ".env, line 1 is no NAME=value", "comment"),
        (f"\n{SECRET}", ".env, line 2 is no NAME=value", "comment"),
        (f"DB-PASSWORD={SECRET}", "is no NAME=value", "comment"),
        (f"DB\u200b_PASSWORD={SECRET}", "U+200B (ZERO WIDTH SPACE)", "again"),
        (f"DB_PASSWORD={SECRET}\u202e", "U+202E (RIGHT-TO-LEFT OVERRIDE)", "again"),
        (f"DB_PASSWORD={SECRET}\u2028X=1", "U+2028", "again"),
        (f"DB_PASSWORD={SECRET}\x0bX=1", "U+000B", "again"),
        (f"DB_PASSWORD={SECRET}\rX=1\r", "U+000D", "again"),
        (f"ДB_PASSWORD={SECRET}", "is no NAME=value", "comment"),
        (f"DB_PASSWORD={SECRET}\nDB_PORT=1\nDB_PASSWORD=other", "line 1 and .env, line 3", "Delete one"),
    ],
)
def test_what_compose_reads_otherwise_is_refused_with_how_to_write_it_and_without_the_value(
    tmp_path: Path, text: str, problem: str, remedy: str
) -> None:
    with pytest.raises(EnvError) as refused:
        read(tmp_path, text)
    first, second = str(refused.value).splitlines()
    assert problem in first
    assert remedy in second
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ("DB_PORT=1\n".encode("utf-16"), "UTF-16"),
        ("\ufeffDB_PORT=1\n".encode("utf-16-be"), "UTF-16"),
        ("DB_PORT=1\n".encode("utf-16-le"), "line 1 has a NUL"),
        ("DB_PORT=1\n".encode("utf-32"), "UTF-16"),
        (b"DB_PORT=1\nDB_NAME=a\0b", "line 2 has a NUL"),
        ("DB_PORT=1\nDESTINATION=Montpellier, allée\n".encode("cp1252"), "line 2 is not in UTF-8"),
        ("DESTINATION=allée\n".encode("latin-1"), "line 1 is not in UTF-8"),
    ],
)
def test_other_encoding_is_refused_by_name_or_line(tmp_path: Path, data: bytes, problem: str) -> None:
    with pytest.raises(EnvError, match=re.escape(problem)) as refused:
        read(tmp_path, data)
    assert "Save it as UTF-8" in str(refused.value)


def test_file_that_does_not_exist_assigns_nothing_and_a_link_to_a_file_is_followed(tmp_path: Path) -> None:
    assert read_env_file(tmp_path / ".env") == {}
    (tmp_path / "shared").write_text("DB_PORT=1\n", encoding="utf-8")
    (tmp_path / ".env").symlink_to("shared")
    assert read_env_file(tmp_path / ".env")["DB_PORT"].value == "1"


def test_what_is_no_readable_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "dangling").symlink_to("nothing")
    (tmp_path / "circle").symlink_to("circle")
    (tmp_path / "huge").write_bytes(b"#" * ((1 << 20) + 1))
    for name, problem in {
        "folder": "is a folder", "pipe": "is no regular file", "dangling": "No such file", "circle": "cannot be read",
        "huge": "has more than 1 MiB",
    }.items():  # fmt: skip
        with pytest.raises(EnvError, match=problem):
            read_env_file(tmp_path / name)

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    (tmp_path / ".env").touch()
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(EnvError, match="cannot be read: Permission denied"):
        read_env_file(tmp_path / ".env")


def test_the_example_is_readable_with_and_without_its_comment_signs(tmp_path: Path) -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert set(read(tmp_path, example)) == {"DESTINATION", "KAFKA_BOOTSTRAP_SERVERS"}
    assert "DB_PASSWORD" in read(tmp_path, re.sub(r"^# (?=[A-Z_]+=)", "", example, flags=re.MULTILINE))


def test_generated_file_holds_each_value_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "addresses.env"
    path.write_text("JAVA_HOME=/home/c'est #1 $ici/é\nDB_PORT=1\n", encoding="utf-8")
    values = {name: assignment.value for name, assignment in read_generated_file(path).items()}
    assert values == {"JAVA_HOME": "/home/c'est #1 $ici/é", "DB_PORT": "1"}
    assert read_generated_file(tmp_path / "none") == {}
