"""Java's .properties files, which are ISO-8859-1: Java reads any other character only by its number."""

from collections.abc import Mapping
from pathlib import Path

from lakehouse.private_file import write_private_file

ESCAPED_CHARACTERS = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
LAST_ASCII = 0x7E


def render(properties: Mapping[str, object]) -> str:
    """Return the text of a .properties file, in ASCII alone, which Java reads back as the same values."""
    return "".join(f"{key}={escape(str(value))}\n" for key, value in properties.items())


def write(path: Path, properties: Mapping[str, object]) -> None:
    """Write a .properties file, which its owner alone may read, and create its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_private_file(path, render(properties))


def escape(value: str) -> str:
    """Return a value as a .properties file writes it. Java drops a value's leading blanks unless they are escaped."""
    escaped = "".join(ESCAPED_CHARACTERS.get(character) or _to_ascii(character) for character in value)
    return f"\\{escaped}" if escaped.startswith(" ") else escaped


def _to_ascii(character: str) -> str:
    if " " <= character <= chr(LAST_ASCII):
        return character
    units = character.encode("utf-16-be")  # a character beyond U+FFFF is two of Java's
    return "".join(f"\\u{units[n]:02x}{units[n + 1]:02x}" for n in range(0, len(units), 2))
