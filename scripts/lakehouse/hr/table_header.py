"""The search for the line that has all titles of a table, and what is said where there is none."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from lakehouse.errors import BadInput
from lakehouse.hr.cells import MOJIBAKE, UNKNOWN_CHARACTER, clean
from lakehouse.hr.columns import Column
from lakehouse.hr.files import NOTHING_LOADED, UnusableFile, display_name
from lakehouse.hr.lines import Line, UnreadableCell
from lakehouse.hr.sheets import SheetFile
from lakehouse.text import fold_for_comparison

MAX_TITLE_CHARACTERS = 200


class HeaderSearch:
    """The titles that lines have been searched for. The best line says which ones are missing."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self.columns = columns
        self._titles = {fold_for_comparison(column.title) for column in columns}
        self._best: set[str] = set()
        self._unreadable_lines: list[int] = []
        self._has_broken_accents = False

    def matches(self, line: Line) -> bool:
        """Return whether the line has all titles."""
        found = self._titles & {fold_title(cell) for cell in line.cells.values()}
        if len(found) == len(self._titles):
            return True
        if found and len(found) >= len(self._best):
            self._best = found
            self._unreadable_lines = [line.number] if _has_unreadable(line) else []
        self._has_broken_accents = self._has_broken_accents or self._titles <= _repaired_titles(line)
        return False

    def missing(self, file: Path, opened: SheetFile) -> BadInput:
        """Return the error for a file without such a line."""
        if self._has_broken_accents:
            return _refuse(file, "accents abîmés (UTF-8 lu comme Windows-1252). Exportez-le de nouveau en UTF-8.")
        if encoding := opened.find_encoding(self._titles):
            return _refuse(file, f"encodé en {encoding}, qui n'est pas lu. Enregistrez-le en « CSV UTF-8 ».")
        names = ", ".join(
            f"« {column.title} »" for column in self.columns if fold_for_comparison(column.title) not in self._best
        )
        hints = [
            f"ligne {number}, des titres sont illisibles (formules, caractères perdus ?). "
            for number in self._unreadable_lines
        ]
        if opened.hidden_names:
            hidden = ", ".join(f"« {name} »" for name in opened.hidden_names)
            hints.append(f"Une feuille masquée n'est pas lue ({hidden}) : affichez-la si c'est elle. ")
        return _refuse(
            file,
            f"colonne introuvable : {names}. {''.join(hints)}"
            "Ajoutez-la, ou corrigez son titre ; l'ordre des colonnes est libre.",
        )


def with_titles(line: Line, columns: Sequence[Column]) -> Line:
    """Return the line with HR's titles, where it is the header of our own cleaned CSV: it has the fields' names."""
    if len(line.cells) != len(columns):
        return line  # first, for a CSV is searched to its end by each wrong delimiter
    titles = {column.field: column.title for column in columns}
    if set(map(str, line.cells.values())) != set(titles):
        return line
    return replace(line, cells={position: titles[str(cell)] for position, cell in line.cells.items()})


def column_positions(header: Line, columns: Sequence[Column]) -> Mapping[int, Column]:
    """Return the columns by their positions in the header line. Raises UnusableFile where one is there twice."""
    by_title = {fold_for_comparison(column.title): column for column in columns}
    positions = {place: by_title[title] for place, title in _folded_titles(header).items() if title in by_title}
    duplicates = [column.title for column in columns if list(positions.values()).count(column) > 1]
    if duplicates:
        names = ", ".join(f"« {title} »" for title in duplicates)
        raise UnusableFile(f"colonne en double : {names}. N'en laissez qu'une.", header.number)
    return positions


def fold_title(cell: object) -> str:
    """Return a title for comparison; empty for a cell that is no title."""
    if isinstance(cell, str) and len(cell) <= MAX_TITLE_CHARACTERS:
        return _fold_text(cell)
    return ""


@lru_cache(maxsize=4096)
def _fold_text(cell: str) -> str:
    return fold_for_comparison(clean(cell))


def _folded_titles(line: Line) -> Mapping[int, str]:
    return {position: fold_title(cell) for position, cell in line.cells.items()}


def _has_unreadable(line: Line) -> bool:
    cells = line.cells.values()
    return any(isinstance(cell, UnreadableCell) or UNKNOWN_CHARACTER.search(str(cell)) for cell in cells)


def _repaired_titles(line: Line) -> set[str]:
    """Return the titles as they were before UTF-8 was read as Windows-1252; none where it was not."""
    texts = [cell for cell in line.cells.values() if isinstance(cell, str) and len(cell) <= MAX_TITLE_CHARACTERS]
    if not any(not text.isascii() and MOJIBAKE.search(text) for text in texts):
        return set()
    repaired = (text.encode("cp1252", "replace").decode("utf-8", "replace") for text in texts)
    return {fold_for_comparison(text) for text in repaired}


def _refuse(file: Path, reason: str) -> BadInput:
    return BadInput(f"{display_name(file)} : {reason} {NOTHING_LOADED}")
