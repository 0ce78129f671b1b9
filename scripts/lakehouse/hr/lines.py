"""Sheets as streams of lines: only cells that hold something, with what Excel says of them beside their values."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from lakehouse.hr.files import UnusableFile

MAX_FILLED_ROWS = 1_000_000
MAX_FILLED_COLUMNS = 200
MAX_CELL_CHARACTERS = 32_767  # Excel's own limit


@dataclass(frozen=True)
class UnreadableCell:
    """A cell whose value cannot be known, and the reason, in French. It is neither absent nor blank."""

    reason: str


NEVER_COMPUTED = UnreadableCell("formule jamais calculée : ouvrez le fichier dans Excel et enregistrez-le")
ARRAY_PADDING = UnreadableCell(
    "formule matricielle sans valeur sûre : remplacez-la dans Excel par ses valeurs (Collage spécial, Valeurs)"
)


@dataclass(frozen=True)
class CellRange:
    """A block of cells. Rows count from 1 as in Excel, columns from 0."""

    reference: str
    first_row: int
    last_row: int
    first_column: int
    last_column: int

    @property
    def is_single_cell(self) -> bool:
        return self.first_row == self.last_row and self.first_column == self.last_column


@dataclass(frozen=True)
class Line:
    """A line with the row number that Excel shows, and its cells by column, counted from 0.

    `width` is the number of values of a CSV's record. `array_spans` are columns in which an array formula writes.
    """

    number: int
    cells: Mapping[int, object]
    width: int | None = None
    is_hidden: bool = False
    array_spans: Sequence[tuple[int, int]] = ()

    def at(self, column: int) -> object:
        """Return the cell, None where it is absent; an absent cell of an array formula is unreadable."""
        cell = self.cells.get(column)
        if cell is None and any(first <= column <= last for first, last in self.array_spans):
            return ARRAY_PADDING
        return cell


@dataclass
class Sheet:
    """A sheet or a CSV. Its lines are read once; `merged` is complete after the last of them."""

    name: str
    lines: Iterator[Line]
    merged: list[CellRange] = field(default_factory=list)
    hidden_columns: list[tuple[int, int]] = field(default_factory=list)
    cells_visited: int = 0


@dataclass
class Extent:
    """The rows and columns that hold something. Beyond the limits they are refused."""

    rows: int = 0
    columns: set[int] = field(default_factory=set)

    def add(self, line: Line) -> None:
        self.rows += bool(line.cells)
        self.columns.update(line.cells)

    def ensure_within_limits(self) -> None:
        """Raise UnusableFile beyond a million filled rows, or 200 filled columns."""
        if self.rows > MAX_FILLED_ROWS:
            raise UnusableFile(f"plus de {MAX_FILLED_ROWS:_} lignes remplies. Coupez le fichier.".replace("_", " "))
        if len(self.columns) > MAX_FILLED_COLUMNS:
            raise UnusableFile(
                f"plus de {MAX_FILLED_COLUMNS} colonnes remplies. Ôtez celles qui ne sont pas demandées."
            )
