"""The parser of a table in a file: it finds the header, parses the rows and reports all problems at once."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from lakehouse.errors import BadInput
from lakehouse.hr.cells import Unreadable
from lakehouse.hr.files import NOTHING_LOADED, display_name
from lakehouse.hr.sheets import Grid, Line, read_grids
from lakehouse.text import fold_for_comparison, normalize

MAX_PROBLEMS_SHOWN = 20  # with more problems than this, the file as a whole is wrong


@dataclass(frozen=True)
class Column:
    """A column that a file must have; with `required`, its cells must not be blank."""

    field: str
    title: str
    parse: Callable[[object], object | None]
    required: bool = False


@dataclass(frozen=True)
class Row:
    """A row whose cells could all be parsed: its values by field, and its line number in the file."""

    line: int
    fields: Mapping[str, Any]


@dataclass(frozen=True)
class Problem:
    """A reason and its place, without the value: it may be a salary, a name or an address."""

    line: int
    reason: str
    column: str | None = None

    def __str__(self) -> str:
        return f"ligne {self.line}{f', colonne « {self.column} »' if self.column else ''} : {self.reason}"


def read_table(
    file: Path, columns: Sequence[Column], check: Callable[[pd.DataFrame], Iterable[Problem]] = lambda _rows: ()
) -> pd.DataFrame:
    """Return the rows of the first sheet that has all the columns, without blank rows, indexed by their lines.

    `check` is called with the rows whose cells could all be parsed. The first column is the key.
    Raises BadInput with all problems, duplicate keys among them.
    """
    header, body = _find_header(file, columns)
    positions = _column_positions(header, columns)
    parsed: list[Row] = []
    problems: list[Problem] = []
    for line in body:
        row, row_problems = _parse_row(line, header, positions)
        problems += row_problems
        parsed += [row] if row else []
    rows = to_frame(parsed, columns)
    problems += [*_find_duplicates(rows, columns[0]), *check(rows)]
    if problems:
        raise BadInput(_format_problems(display_name(file), sorted(problems, key=lambda problem: problem.line)))
    return rows


def to_frame(rows: Sequence[Row], columns: Sequence[Column]) -> pd.DataFrame:
    """Return the rows as a frame with a column for each field, indexed by line.

    Its columns are of objects: types that pandas infers would make floats of integers beside blanks.
    """
    return pd.DataFrame(
        [row.fields for row in rows],
        index=[row.line for row in rows],
        columns=[column.field for column in columns],
        dtype=object,
    )


def _find_header(file: Path, columns: Sequence[Column]) -> tuple[Line, Sequence[Line]]:
    """Return the header line and the lines below it."""
    required_titles = {fold_for_comparison(column.title) for column in columns}
    best_match: set[str] = set()
    for grid in read_grids(file):
        for index, line in enumerate(map(partial(_with_titles, columns), grid.lines)):
            best_match = max(best_match, required_titles & set(_folded_titles(line)), key=len)
            if best_match == required_titles:
                _reject_malformed(file, grid, line, columns)
                return line, grid.lines[index + 1 :]
    missing = ", ".join(
        f"« {column.title} »" for column in columns if fold_for_comparison(column.title) not in best_match
    )
    raise BadInput(
        f"{display_name(file)} : colonne introuvable : {missing}. "
        f"Ajoutez-la, ou corrigez son titre ; l'ordre des colonnes est libre. {NOTHING_LOADED}"
    )


def _with_titles(columns: Sequence[Column], line: Line) -> Line:
    """Return the line with HR's titles, where it is the header of our own cleaned CSV: it has the fields' names."""
    titles = {column.field: column.title for column in columns}
    named = [cell for cell in line.cells if cell]
    if len(named) != len(titles) or {*named} != {*titles}:
        return line
    return Line(line.number, tuple(titles.get(str(cell)) for cell in line.cells))


def _folded_titles(line: Line) -> list[str]:
    return [fold_for_comparison(str(cell)) if cell is not None else "" for cell in line.cells]


def _reject_malformed(file: Path, grid: Grid, header: Line, columns: Sequence[Column]) -> None:
    if grid.unclosed_quote_line:
        raise BadInput(
            f"{display_name(file)}, ligne {grid.unclosed_quote_line} : guillemets mal fermés (peut-être plus haut). "
            f"Corrigez la ligne. {NOTHING_LOADED}"
        )
    titles = _folded_titles(header)
    duplicates = ", ".join(
        f"« {column.title} »" for column in columns if titles.count(fold_for_comparison(column.title)) > 1
    )
    if duplicates:
        raise BadInput(
            f"{display_name(file)}, ligne {header.number} : colonne en double : {duplicates}. N'en laissez qu'une. "
            f"{NOTHING_LOADED}"
        )


def _column_positions(header: Line, columns: Sequence[Column]) -> Mapping[int, Column]:
    titles = _folded_titles(header)
    return {titles.index(fold_for_comparison(column.title)): column for column in columns}


def _parse_row(line: Line, header: Line, positions: Mapping[int, Column]) -> tuple[Row | None, list[Problem]]:
    if all(_is_blank(line.cells[position]) for position in positions if position < len(line.cells)):
        return None, []
    if len(line.cells) != len(header.cells):
        more = "plus" if len(line.cells) > len(header.cells) else "moins"
        return None, [Problem(line.number, f"{more} de valeurs que de colonnes (séparateur dans un texte ?)")]
    values = {column.field: _parse_cell(line, line.cells[position], column) for position, column in positions.items()}
    problems = [value for value in values.values() if isinstance(value, Problem)]
    return (None if problems else Row(line.number, values)), problems


def _is_blank(cell: object) -> bool:
    return cell is None or not normalize(str(cell))


def _parse_cell(line: Line, cell: object, column: Column) -> object | Problem | None:
    try:
        value = column.parse(cell)
    except Unreadable as unreadable:
        return Problem(line.number, str(unreadable), column.title)
    return Problem(line.number, "vide", column.title) if value is None and column.required else value


def _find_duplicates(rows: pd.DataFrame, key: Column) -> list[Problem]:
    first_lines = rows.index.to_series().groupby(rows[key.field]).transform("first")
    repeated = first_lines[rows.duplicated(key.field)]
    return [
        Problem(line, f"en double (déjà ligne {first})", key.title)
        for line, first in zip(repeated.index, repeated, strict=True)
    ]


def _format_problems(file: str, problems: Sequence[Problem]) -> str:
    if len(problems) == 1:
        return f"{file}, {problems[0]}. Corrigez la cellule. {NOTHING_LOADED}"
    rest = len(problems) - MAX_PROBLEMS_SHOWN
    shown = [f"{file}, {problem}" for problem in problems[:MAX_PROBLEMS_SHOWN]]
    return "\n".join(
        [*shown, *([f"… et {rest} de plus"] if rest > 0 else []), f"Corrigez ces cellules. {NOTHING_LOADED}"]
    )
