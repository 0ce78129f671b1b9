"""Java's .properties files."""

from collections.abc import Mapping
from pathlib import Path


def render(properties: Mapping[str, str | int]) -> str:
    """Return the text of a .properties file, where a backslash must be doubled."""
    return "".join(f"{key}={str(value).replace(chr(92), chr(92) * 2)}\n" for key, value in properties.items())


def write(path: Path, properties: Mapping[str, str | int]) -> None:
    """Write a .properties file, and create its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render(properties), encoding="utf-8")
