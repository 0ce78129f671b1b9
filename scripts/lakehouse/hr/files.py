"""The search for HR's two files in the folder where people put them."""

import unicodedata
from pathlib import Path

from lakehouse.errors import BadInput

NOTHING_LOADED = "Rien n'a été chargé."
SAVE_AS_WORKBOOK = "Ouvrez-le dans Excel et enregistrez-le en « Classeur Excel (.xlsx) »."
# Formats that people export or save by accident, by the ending of their files' names.
UNREAD_FORMATS = {
    ".xls": "Excel 97-2003 (.xls)",
    ".xlt": "Excel 97-2003 (.xlt)",
    ".xlsb": "Excel binaire (.xlsb)",
    ".xlsm": "Excel avec macros (.xlsm)",
    ".xltx": "modèle Excel (.xltx)",
    ".ods": "OpenDocument (.ods)",
    ".ots": "OpenDocument (.ots)",
    ".fods": "OpenDocument (.fods)",
    ".numbers": "Apple Numbers (.numbers)",
    ".txt": "texte (.txt)",
    ".tsv": "texte (.tsv)",
}


class UnusableFile(Exception):
    """The reason why a file cannot be read and the remedy, in French, without the file's name."""

    def __init__(self, reason: str, line: int | None = None) -> None:
        super().__init__(reason)
        self.line = line

    def describe(self, file: Path) -> str:
        """Return the error's text with the file's name, and the line if there is one."""
        place = "" if self.line is None else f", ligne {self.line}"
        return f"{display_name(file)}{place} : {self} {NOTHING_LOADED}"


def unread_format(name: str, remedy: str = SAVE_AS_WORKBOOK) -> UnusableFile:
    """Return the error for a format that is recognized, and not read."""
    return UnusableFile(f"format {name}, qui n'est pas lu. {remedy}")


def find_hr_file(folder: Path) -> Path:
    """Return the one `*RH*` workbook or CSV. Raises BadInput where there is none, or more than one."""
    candidates = [file for file in _list_tables(folder) if _is_hr(file) and not _is_sports(file)]
    unread = [file for file in _list_unread(folder) if _is_hr(file) and not _is_sports(file)]
    return _require_one(folder, candidates, unread, "RH (*RH*)")


def find_sports_file(folder: Path) -> Path:
    """Return the one `*portive*.xlsx` or `*sport*.csv`. Raises BadInput where there is none, or more than one."""
    candidates = [file for file in _list_tables(folder) if _is_sports(file)]
    unread = [file for file in _list_unread(folder) if _is_sports(file)]
    return _require_one(folder, candidates, unread, "des sports (*portive*.xlsx ou *sport*.csv)")


def display_name(file: Path) -> str:
    """Return the file's name with composed accents (NFC)."""
    return unicodedata.normalize("NFC", file.name)


def _list_tables(folder: Path) -> list[Path]:
    """Return the workbooks and CSVs, without the lock files of Excel (`~$`) and LibreOffice (`.~lock`)."""
    if not folder.is_dir():
        raise BadInput(f"{folder} : dossier introuvable. Créez-le ou indiquez-en un autre (--input). {NOTHING_LOADED}")
    return [file for file in _list_visible(folder) if file.is_file() and file.suffix.casefold() in {".xlsx", ".csv"}]


def _list_unread(folder: Path) -> list[Path]:
    """Return the files of other formats. Numbers may save a folder instead of a file."""
    return [file for file in _list_visible(folder) if file.suffix.casefold() in UNREAD_FORMATS]


def _list_visible(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if not file.name.startswith(("~$", ".")))


def _is_hr(file: Path) -> bool:
    return "rh" in display_name(file).casefold()


def _is_sports(file: Path) -> bool:
    keyword = "portive" if file.suffix.casefold() == ".xlsx" else "sport"
    return keyword in display_name(file).casefold()


def _require_one(folder: Path, candidates: list[Path], unread: list[Path], kind: str) -> Path:
    if not candidates and unread:
        raise BadInput(unread_format(UNREAD_FORMATS[unread[0].suffix.casefold()]).describe(unread[0]))
    if not candidates:
        raise BadInput(f"{folder} : fichier {kind} introuvable, en .xlsx ou .csv. Déposez-le ici. {NOTHING_LOADED}")
    if len(candidates) > 1:
        names = ", ".join(display_name(file) for file in candidates)
        raise BadInput(f"{folder} : plusieurs fichiers {kind} : {names}. N'en laissez qu'un. {NOTHING_LOADED}")
    return candidates[0]
