"""The lake's mark: a random number that its source has too, so that an older copy of the source is recognised.

It is a file at the lake's root. As a table's property it would be a commit every minute, and such a commit makes that
table's stream fail. A lake behind another URI has none. Its source is known by system identifier, timeline and the
length of its log.
"""

from pathlib import Path
from uuid import uuid4

MARK_FILE = "lakehouse_mark"


def can_have_mark(root: str) -> bool:
    return "://" not in root


def read_mark(root: str) -> str | None:
    """Return the lake's last mark, None where it never had one."""
    file = Path(root) / MARK_FILE
    return file.read_text(encoding="utf-8").strip() if can_have_mark(root) and file.exists() else None


def write_mark(root: str, mark: str) -> None:
    """Replace the lake's mark; a reader sees the old or the new one, whole."""
    folder = Path(root)
    unfinished = folder / f"{MARK_FILE}.{uuid4().hex}"
    unfinished.write_text(f"{mark}\n", encoding="utf-8")
    unfinished.replace(folder / MARK_FILE)
