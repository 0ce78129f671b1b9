"""A table in a file: where its header is, its rows as values, and all that is wrong with them at once."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lakehouse.errors import BadInput
from lakehouse.source.hr.files import NOTHING_DONE, displayed
from lakehouse.source.hr.folded import cleaned, folded
from lakehouse.source.hr.grids import Grid, Line, grids
from lakehouse.source.hr.values import Unreadable

SHOWN = 20  # problems; after that many the file is the problem


@dataclass(frozen=True)
class Column:
    """A column that a file must have; `required` where its cells must not be blank."""

    field: str
    title: str
    read: Callable[[object], object | None]
    required: bool = False


@dataclass(frozen=True)
class Row:
    """A row's values by field, and the line they stand on."""

    line: int
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Problem:
    """What is wrong, and where. Never the value: it may be a salary, a name or an address."""

    line: int
    reason: str
    column: str | None = None

    def __str__(self) -> str:
        return f"ligne {self.line}{f', colonne « {self.column} »' if self.column else ''} : {self.reason}"


def read_table(
    file: Path, columns: Sequence[Column], judge: Callable[[Row], Problem | None] = lambda _row: None
) -> list[Row]:
    """Give the rows of the first sheet that has all the columns, blank ones left out; ids (the first column) once each.

    `judge` looks at a row whose cells are all readable. Raises BadInput with every problem found.
    """
    header, below = _located(file, columns)
    places = _places(header, columns)
    rows: list[Row] = []
    problems: list[Problem] = []
    for line in below:
        row, wrong = _row(line, header, places)
        problems += wrong
        rows += [row] if row else []
    problems += [*_repeated(rows, columns[0]), *filter(None, map(judge, rows))]
    if problems:
        raise BadInput(_told(displayed(file), sorted(problems, key=lambda problem: problem.line)))
    return rows


def _located(file: Path, columns: Sequence[Column]) -> tuple[Line, Sequence[Line]]:
    """Give the header's line and those below it."""
    wanted = {folded(column.title) for column in columns}
    best: set[str] = set()
    for grid in grids(file):
        for index, line in enumerate(grid.lines):
            best = max(best, wanted & set(_titles(line)), key=len)
            if best == wanted:
                _refuse_unsound(file, grid, line, columns)
                return line, grid.lines[index + 1 :]
    missing = ", ".join(f"« {column.title} »" for column in columns if folded(column.title) not in best)
    raise BadInput(
        f"{displayed(file)} : colonne introuvable : {missing}. "
        f"Ajoutez-la, ou corrigez son titre ; l'ordre des colonnes est libre. {NOTHING_DONE}"
    )


def _titles(line: Line) -> list[str]:
    return [folded(str(cell)) if cell is not None else "" for cell in line.cells]


def _refuse_unsound(file: Path, grid: Grid, header: Line, columns: Sequence[Column]) -> None:
    if grid.broken_at:
        raise BadInput(
            f"{displayed(file)}, ligne {grid.broken_at} : guillemets mal fermés (peut-être plus haut). "
            f"Corrigez la ligne. {NOTHING_DONE}"
        )
    titles = _titles(header)
    twice = ", ".join(f"« {column.title} »" for column in columns if titles.count(folded(column.title)) > 1)
    if twice:
        raise BadInput(
            f"{displayed(file)}, ligne {header.number} : colonne en double : {twice}. N'en laissez qu'une. "
            f"{NOTHING_DONE}"
        )


def _places(header: Line, columns: Sequence[Column]) -> Mapping[int, Column]:
    titles = _titles(header)
    return {titles.index(folded(column.title)): column for column in columns}


def _row(line: Line, header: Line, places: Mapping[int, Column]) -> tuple[Row | None, list[Problem]]:
    if all(_blank(line.cells[place]) for place in places if place < len(line.cells)):
        return None, []
    if len(line.cells) != len(header.cells):
        more = "plus" if len(line.cells) > len(header.cells) else "moins"
        return None, [Problem(line.number, f"{more} de valeurs que de colonnes (séparateur dans un texte ?)")]
    values = {column.field: _value(line, line.cells[place], column) for place, column in places.items()}
    problems = [value for value in values.values() if isinstance(value, Problem)]
    return (None if problems else Row(line.number, values)), problems


def _blank(cell: object) -> bool:
    return cell is None or not cleaned(str(cell))


def _value(line: Line, cell: object, column: Column) -> object | Problem | None:
    try:
        value = column.read(cell)
    except Unreadable as unreadable:
        return Problem(line.number, str(unreadable), column.title)
    return Problem(line.number, "vide", column.title) if value is None and column.required else value


def _repeated(rows: Sequence[Row], key: Column) -> Iterator[Problem]:
    first: dict[object, int] = {}
    for row in rows:
        line = first.setdefault(row.values[key.field], row.line)
        if line != row.line:
            yield Problem(row.line, f"en double (déjà ligne {line})", key.title)


def _told(file: str, problems: Sequence[Problem]) -> str:
    if len(problems) == 1:
        return f"{file}, {problems[0]}. Corrigez la cellule. {NOTHING_DONE}"
    rest = len(problems) - SHOWN
    shown = [f"{file}, {problem}" for problem in problems[:SHOWN]]
    return "\n".join(
        [*shown, *([f"… et {rest} de plus"] if rest > 0 else []), f"Corrigez ces cellules. {NOTHING_DONE}"]
    )
