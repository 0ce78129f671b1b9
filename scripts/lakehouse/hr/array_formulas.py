"""Array formulas, which fill a block of cells from one: programs that compute nothing pad the others with 0."""

from collections.abc import Sequence

from lakehouse.hr.files import UnusableFile
from lakehouse.hr.lines import ARRAY_PADDING, NEVER_COMPUTED, CellRange, UnreadableCell

MAX_OPEN_ARRAYS = 100  # beyond, each row would be compared with too many


class ArrayFormulas:
    """The array formulas whose blocks reach the current row or those below."""

    def __init__(self) -> None:
        self._open: list[tuple[CellRange, UnreadableCell]] = []

    def __bool__(self) -> bool:
        return bool(self._open)

    def add(self, block: CellRange, head: object) -> None:
        """Add a formula by its block and the value of the first cell, which has the formula."""
        self._open.append((block, NEVER_COMPUTED if head is NEVER_COMPUTED else ARRAY_PADDING))
        if len(self._open) > MAX_OPEN_ARRAYS:
            raise UnusableFile("trop de formules matricielles. Remplacez-les dans Excel par leurs valeurs.")

    def apply(self, row: int, values: dict[int, object]) -> Sequence[tuple[int, int]]:
        """Mark the row's cells that no formula has computed as unreadable, and return the columns of all blocks."""
        self._open = [(block, reason) for block, reason in self._open if row <= block.last_row]
        for block, reason in self._open:
            for column in [column for column in values if block.first_column <= column <= block.last_column]:
                if reason is NEVER_COMPUTED or _is_padding(values[column]):
                    values[column] = reason
        return [(block.first_column, block.last_column) for block, _ in self._open]


def _is_padding(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == 0
