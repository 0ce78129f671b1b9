"""The identity of a lake: a random number in a file at its root, the same by every path.

No table's id serves for it: a table may be removed and made again while another process writes the lake.
"""

from pathlib import Path
from uuid import uuid4

IDENTITY_FILE = "lakehouse_id"


def read_or_create_lake_id(root: Path) -> str:
    """Return the identity of the lake in a folder, which gets one where it has none.

    Of several processes that create it at the same moment, one wins, and all return its identity.
    """
    file = root / IDENTITY_FILE
    if not file.exists():
        root.mkdir(parents=True, exist_ok=True)
        unfinished = root / f"{IDENTITY_FILE}.{uuid4().hex}"
        unfinished.write_text(f"{uuid4()}\n", encoding="utf-8")
        try:
            file.hardlink_to(unfinished)
        except FileExistsError:
            pass
        except OSError:  # a disk without hard links: preflight names it
            unfinished.replace(file)
        unfinished.unlink(missing_ok=True)
    return file.read_text(encoding="utf-8").strip()
