"""The reader of .env. It reads what docker-compose reads in the same way, and refuses the rest with how to write it.

Standard library only, in syntax that an old Python can parse: preflight.py imports it before .venv exists.
"""

from __future__ import annotations

import re
import stat
import unicodedata
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 1 << 20
OTHER_BOMS = ((b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16"))
EXPORT = re.compile(r"export[ \t]+")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
QUOTED = re.compile(r"""(?P<quote>['"])(?P<value>(?:(?!(?P=quote)).)*)(?P=quote)[ \t]*(?P<rest>#.*)?""")
TYPOGRAPHIC_QUOTES = "‘’“”«»„"
SINGLE_QUOTES_HINT = "Write the value in single quotes, NAME='value', without a single quote in it."
UTF_8_HINT = "Save it as UTF-8, in Notepad by: Save as, Encoding: UTF-8."


class EnvError(ValueError):
    """A .env or a variable that cannot be used: what is wrong and where, and on a second line what to do."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__("{}\n{}".format(problem, remedy))  # noqa: UP032 - one line a part


class Assignment(NamedTuple):
    """A value as it was written, and the place of it, for messages."""

    value: str
    place: str


def read_env_file(path: Path) -> dict[str, Assignment]:
    """Return the assignments of a .env file by name; none where there is no such file.

    Raises EnvError, which quotes no value, for what cannot be read or is read in another way by docker-compose.
    """
    data = _read_bytes(path)
    if data is None:
        return {}
    assignments: dict[str, Assignment] = {}
    for number, line in enumerate(_decode(data, path.name).split("\n"), start=1):
        place, text = f"{path.name}, line {number}", line.strip(" \t")
        if "\r" in text or not text.startswith("#"):
            _refuse_hidden_characters(line, place)
        if not text or text.startswith("#"):
            continue
        name, value = _parse_line(text, place)
        if name in assignments:
            raise EnvError(f"{name} is there twice: {assignments[name].place} and {place}.", "Delete one of the lines.")
        assignments[name] = Assignment(value, place)
    return assignments


def read_generated_file(path: Path) -> dict[str, Assignment]:
    """Return the assignments of a file that this project wrote: each value is the rest of its line, as it is."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError):
        return {}
    pairs = (line.partition("=") for line in lines if "=" in line)
    return {name: Assignment(value, path.name) for name, _, value in pairs}


def describe_character(character: str) -> str:
    """Return a character's code point and name, which show what cannot be seen."""
    return f"U+{ord(character):04X} ({unicodedata.name(character, 'a control character')})"


def _read_bytes(path: Path) -> bytes | None:
    try:
        if not path.exists() and not path.is_symlink():
            return None
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            kind = "a folder" if stat.S_ISDIR(mode) else "no regular file"
            raise EnvError(f"{path} is {kind}.", "Make it a text file with lines such as DB_PORT=5432, or remove it.")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle, before Python 3.13
        reason = getattr(error, "strerror", None) or "links in a circle"
        raise EnvError(
            f"{path} cannot be read: {reason}.", "Let yourself read it (chmod u+r .env), or remove it."
        ) from None
    if len(data) > MAX_BYTES:
        raise EnvError(f"{path} has more than {MAX_BYTES >> 20} MiB.", "A .env has lines such as DB_PORT=5432.")
    return data


def _decode(data: bytes, name: str) -> str:
    """Return the text of the file, with each line end as a newline."""
    for bom, encoding in OTHER_BOMS:
        if data.startswith(bom):
            raise EnvError(f"{name} is in {encoding}, which docker-compose cannot read.", UTF_8_HINT)
    if b"\0" in data:
        number = data[: data.index(b"\0")].count(b"\n") + 1
        raise EnvError(f"{name}, line {number} has a NUL: the file is damaged, or in UTF-16.", UTF_8_HINT)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = data[: error.start].count(b"\n") + 1
        raise EnvError(f"{name}, line {number} is not in UTF-8, but in another encoding.", UTF_8_HINT) from None
    text = text.replace("\r\n", "\n")
    return re.sub(r"\r\Z", "", text)  # the last line of a file with CRLF, cut off


def _refuse_hidden_characters(line: str, place: str) -> None:
    """Raise EnvError for an invisible character, or for a line end that not every reader takes for one."""
    for character in line:
        if character != "\t" and unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}:
            raise EnvError(
                f"{place} has the character {describe_character(character)}.",
                "Type the line again, without copying it.",
            )


def _parse_line(text: str, place: str) -> tuple[str, str]:
    text = EXPORT.sub("", text, count=1) if EXPORT.match(text) else text
    name, equals, value = text.partition("=")
    name, value = name.rstrip(" \t"), value.strip(" \t")
    if not equals or not NAME.fullmatch(name):
        raise EnvError(
            f"{place} is no NAME=value, with a name of the letters A to Z, digits and _.",
            "Correct the line, or begin it with # to make it a comment.",
        )
    return name, _parse_value(name, value, place)


def _parse_value(name: str, text: str, place: str) -> str:
    if text[:1] in {"'", '"'}:
        return _parse_quoted(name, text, place)
    if text.startswith("#"):
        raise EnvError(
            f"{name} ({place}) has a # right after the =: a comment to one reader, the value to another.",
            "Write the comment on a line of its own, or the value in single quotes.",
        )
    value = re.split(r" #", text, maxsplit=1)[0].strip(" \t")
    if "#" in value:
        raise EnvError(
            f"{name} ({place}) has a # without a space before it.",
            f"{SINGLE_QUOTES_HINT} A comment needs a space before the #.",
        )
    if value[:1] and value[0] in TYPOGRAPHIC_QUOTES:
        raise EnvError(f"{name} ({place}) begins with a typographic quote.", SINGLE_QUOTES_HINT)
    if value != value.strip():
        raise EnvError(f"{name} ({place}) has a space of another kind at an end.", "Type the line again.")
    return _refuse_interpolation(name, value, place)


def _parse_quoted(name: str, text: str, place: str) -> str:
    """Return the value between quotes; docker-compose reads escapes and `$` in double quotes."""
    match = QUOTED.fullmatch(text)
    if not match:
        raise EnvError(
            f"{name} ({place}) has a quote that does not end the value on this line.",
            "A value is one line, and in quotes nothing but a comment may follow. " + SINGLE_QUOTES_HINT,
        )
    value = match.group("value")
    if match.group("quote") == '"':
        if "\\" in value:
            raise EnvError(
                f"{name} ({place}) has a backslash in double quotes, which begins an escape.", SINGLE_QUOTES_HINT
            )
        return _refuse_interpolation(name, value, place)
    if value.endswith("\\"):
        raise EnvError(
            f"{name} ({place}) has a backslash before its last quote, which then is part of the value.",
            "End the value with another character.",
        )
    return value


def _refuse_interpolation(name: str, value: str, place: str) -> str:
    if "$" in value:
        raise EnvError(f"{name} ({place}) has a $, after which docker-compose looks for a name.", SINGLE_QUOTES_HINT)
    return value
