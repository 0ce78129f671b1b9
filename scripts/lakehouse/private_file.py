"""Files with passwords, which only their owner may read."""

import os
from pathlib import Path


def write_private_file(path: Path, text: str) -> None:
    """Write a file that is readable by its owner only from its creation on; an older one is replaced at once."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    part.replace(path)


def read_secret_file(path: Path) -> str:
    """Return a file's text without the line end that an editor adds. Raises OSError or UnicodeDecodeError."""
    return path.read_text(encoding="utf-8").rstrip("\r\n")
