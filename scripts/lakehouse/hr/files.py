"""The search for HR's two files in the folder where people put them."""

import unicodedata
from pathlib import Path

from lakehouse.errors import BadInput

NOTHING_LOADED = "Rien n'a été chargé."


def find_hr_file(folder: Path) -> Path:
    """Return the one `*RH*` workbook or CSV. Raises BadInput where there is none, or more than one."""
    return _require_one(
        folder, [file for file in _list_tables(folder) if _is_hr(file) and not _is_sports(file)], "RH (*RH*)"
    )


def find_sports_file(folder: Path) -> Path:
    """Return the one `*portive*.xlsx` or `*sport*.csv`. Raises BadInput where there is none, or more than one."""
    candidates = [file for file in _list_tables(folder) if _is_sports(file)]
    return _require_one(folder, candidates, "des sports (*portive*.xlsx ou *sport*.csv)")


def display_name(file: Path) -> str:
    """Return the file's name with composed accents (NFC)."""
    return unicodedata.normalize("NFC", file.name)


def _list_tables(folder: Path) -> list[Path]:
    """Return the workbooks and CSVs, without the lock files of Excel (`~$`) and LibreOffice (`.~lock`)."""
    if not folder.is_dir():
        raise BadInput(f"{folder} : dossier introuvable. Créez-le ou indiquez-en un autre (--input). {NOTHING_LOADED}")
    files = sorted(file for file in folder.iterdir() if file.is_file() and not file.name.startswith(("~$", ".")))
    return [file for file in files if file.suffix.casefold() in {".xlsx", ".csv"}]


def _is_hr(file: Path) -> bool:
    return "rh" in display_name(file).casefold()


def _is_sports(file: Path) -> bool:
    keyword = {".xlsx": "portive", ".csv": "sport"}[file.suffix.casefold()]
    return keyword in display_name(file).casefold()


def _require_one(folder: Path, candidates: list[Path], kind: str) -> Path:
    if not candidates:
        raise BadInput(f"{folder} : fichier {kind} introuvable, en .xlsx ou .csv. Déposez-le ici. {NOTHING_LOADED}")
    if len(candidates) > 1:
        names = ", ".join(display_name(file) for file in candidates)
        raise BadInput(f"{folder} : plusieurs fichiers {kind} : {names}. N'en laissez qu'un. {NOTHING_LOADED}")
    return candidates[0]
