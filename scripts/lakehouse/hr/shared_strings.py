"""A workbook's texts: those that cells share, and the escapes of the container in any text."""

import re
from array import array
from collections.abc import Iterable

from lakehouse.hr.lines import MAX_CELL_CHARACTERS, UnreadableCell
from lakehouse.hr.xlsx_workbook import MAIN
from lakehouse.hr.xml_stream import create_parser, parse

TEXT, PHONETIC, STRING_ITEM = MAIN + "t", MAIN + "rPh", MAIN + "si"
# Characters that XML cannot contain, and an underscore that would begin such an escape (ECMA-376, 22.9.2.19).
ESCAPE = re.compile("_x([0-9A-Fa-f]{4})_")
TOO_LONG = UnreadableCell(f"texte de plus de {MAX_CELL_CHARACTERS} caractères")
MISSING_TEXT = UnreadableCell("texte absent du classeur : ouvrez-le dans Excel et enregistrez-le")


class TextCollector:
    """Collects the text of one cell: its runs, without phonetic guides, and no longer than a cell may be."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.length = 0

    def clear(self) -> None:
        self.pieces.clear()
        self.length = 0

    def add(self, piece: str) -> None:
        if self.length <= MAX_CELL_CHARACTERS:
            self.pieces.append(piece[: MAX_CELL_CHARACTERS + 1])
            self.length += len(piece)

    @property
    def text(self) -> str:
        return "".join(self.pieces)


class SharedStrings:
    """The shared texts, in one buffer: as objects, millions of short ones would take a gigabyte."""

    def __init__(self, chunks: Iterable[bytes] = ()) -> None:
        self._buffer = bytearray()
        self._ends = array("Q")
        self._collector = TextCollector()
        self._is_text = False
        self._phonetic_depth = 0
        self._last: tuple[str, object] = ("", None)
        if chunks:
            parse(chunks, create_parser(self._start, self._end, self._characters))

    def get(self, index: str) -> object:
        """Return the text with this index, None where it is empty."""
        if index == self._last[0]:
            return self._last[1]
        number = int(index) if index.isascii() and index.isdigit() and len(index) < 10 else -1  # noqa: PLR2004
        if not 0 <= number < len(self._ends):
            return MISSING_TEXT
        first = self._ends[number - 1] if number else 0
        self._last = index, read_text(self._buffer[first : self._ends[number]].decode("utf-8"))
        return self._last[1]

    def _start(self, name: str, _attributes: dict[str, str]) -> None:
        self._is_text = name == TEXT
        self._phonetic_depth += name == PHONETIC

    def _end(self, name: str) -> None:
        self._is_text = False
        self._phonetic_depth -= name == PHONETIC
        if name == STRING_ITEM:
            self._buffer += self._collector.text.encode("utf-8")
            self._ends.append(len(self._buffer))
            self._collector.clear()

    def _characters(self, piece: str) -> None:
        if self._is_text and not self._phonetic_depth:
            self._collector.add(piece)


def read_text(text: str) -> object:
    """Return the text that Excel shows, None where it is empty, or an unreadable cell where it is too long."""
    if len(text) > MAX_CELL_CHARACTERS:
        return TOO_LONG
    return (unescape(text) if "_x" in text else text) or None


def unescape(text: str) -> str:
    r"""Return the text with the container's escapes replaced by their characters.

    >>> unescape("12 rue_x000D_ du Moulin"), unescape("_x005F_x000D_")
    ('12 rue\r du Moulin', '_x000D_')
    """
    unescaped = ESCAPE.sub(lambda match: chr(int(match[1], 16)), text)
    # Two escapes may be the halves of one character; a half alone stays one.
    return unescaped.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
