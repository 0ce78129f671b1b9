"""The identity of a lake: a random number in a file at its root, the same by every path, and who made the lake.

No table's id serves for it: a table may be removed and made again while another process writes the lake.
"""

from pathlib import Path
from uuid import uuid4

IDENTITY_FILE = "lakehouse_id"


def read_or_create_lake_id(root: Path, owner: str = "") -> str:
    """Return the identity of the lake in a folder, which gets one where it has none, and this owner.

    Of several processes that create it at the same moment, one wins, and all return its identity.
    """
    file = root / IDENTITY_FILE
    if not file.exists():
        root.mkdir(parents=True, exist_ok=True)
        unfinished = root / f"{IDENTITY_FILE}.{uuid4().hex}"
        unfinished.write_text(f"{uuid4()}\n{owner}\n" if owner else f"{uuid4()}\n", encoding="utf-8")
        try:
            file.hardlink_to(unfinished)
        except FileExistsError:
            pass
        except OSError:  # a disk without hard links: preflight names it
            unfinished.replace(file)
        unfinished.unlink(missing_ok=True)
    return file.read_text(encoding="utf-8").partition("\n")[0].strip()


def read_owner(root: Path) -> str | None:
    """Return the owner that the identity file names, None where it names none or there is no file."""
    try:
        return (root / IDENTITY_FILE).read_text(encoding="utf-8").partition("\n")[2].strip() or None
    except (OSError, UnicodeDecodeError):
        return None


def claim(root: Path, owner: str) -> None:
    """Create the identity of a lake that has no table yet, with its owner; a lake that has one stays as it is."""
    if not (root / IDENTITY_FILE).exists() and not any(root.glob("*/*/_delta_log")):
        read_or_create_lake_id(root, owner)
