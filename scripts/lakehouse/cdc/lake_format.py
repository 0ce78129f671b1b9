"""The lake's format number, so that no version of this package reads or writes a lake of another one."""

from pathlib import Path
from uuid import uuid4

from lakehouse.errors import BadInput

# Format 1 (version 0.1.0) has other column names, format 2 another `_op` for duplicates.
FORMAT_FILE, LAKE_FORMAT = "lakehouse_format", 3


def ensure_format(root: str) -> None:
    """Record the format of a lake without tables; raise BadInput where another version wrote the lake.

    Checks folders alone: a lake behind another URI was never written in format 1.
    """
    if "://" in root:
        return
    folder = Path(root)
    file = folder / FORMAT_FILE
    if not file.exists() and not any(folder.glob("*/*/_delta_log")):
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = folder / f"{FORMAT_FILE}.{uuid4().hex}"
        unfinished.write_text(f"{LAKE_FORMAT}\n", encoding="utf-8")
        unfinished.replace(file)  # at once whole, also for a process that starts at the same moment
    found = file.read_text(encoding="utf-8").strip() if file.exists() else "1"
    if found != str(LAKE_FORMAT):
        raise BadInput(
            f"the lake {root} has format {found}, and this version reads format {LAKE_FORMAT}. "
            f"Remove what is in {root} and start again: the topics hold everything."
        )
