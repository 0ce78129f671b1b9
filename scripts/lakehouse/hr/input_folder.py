"""The folder that is loaded: HR's, or the fictive company's where HR has none yet."""

from collections.abc import Callable
from pathlib import Path

from lakehouse.hr.files import display_name
from lakehouse.settings import SAMPLE_DIR

# Also those of formats that cannot be read: whoever put one there did not mean the fictive company.
TABLE_SUFFIXES = frozenset(
    {".xlsx", ".xlsm", ".xltx", ".xltm", ".xlsb", ".xls", ".ods", ".fods", ".numbers", ".csv", ".tsv"}
)
NAME_PARTS = ("rh", "sport")


def choose_folder(folder: Path, default: Path, is_live: Callable[[], bool]) -> Path:
    """Return the folder to read: SAMPLE_DIR for a default folder without a table, before the system ever went live.

    Any other folder is returned as it is, also where a file is missing: its reader refuses it.
    """
    is_default = folder.resolve() == default.resolve()
    return SAMPLE_DIR if is_default and is_without_tables(folder) and not is_live() else folder


def is_without_tables(folder: Path) -> bool:
    """Return whether the folder is there, and has no HR and no sports file: nothing that could be meant as one."""
    return folder.is_dir() and not any(_may_be_a_table(entry) for entry in folder.iterdir())


def describe_sample(folder: Path) -> str:
    """Return the French line that says whose files are loaded, and how to load others."""
    return (
        f"{folder} : ni fichier RH ni fichier des sports, et le système n'a jamais été en service. "
        f"L'entreprise fictive de {SAMPLE_DIR} est chargée. Pour charger vos fichiers à sa place : "
        "déposez-les, et remettez le système à zéro (make reset ; avec Docker, voir docs/running.md)."
    )


def _may_be_a_table(entry: Path) -> bool:
    name = display_name(entry).casefold()
    if name.startswith(("~$", ".")):
        return False
    return entry.suffix.casefold() in TABLE_SUFFIXES or any(part in name for part in NAME_PARTS)
