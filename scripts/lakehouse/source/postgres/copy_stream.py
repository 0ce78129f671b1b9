"""Rows in the text format of COPY, written while they are read, so that memory stays bounded."""

from collections.abc import Iterable, Sequence
from io import RawIOBase
from itertools import islice

from lakehouse.source.postgres.types import Jsonb

ROWS_PER_READ = 20
# https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.2
ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


class CopyStream(RawIOBase):
    """A file of rows for psycopg2's copy_expert, which calls `read` until it returns nothing.

    psycopg2 replaces an error of `read` by a QueryCanceled: the original is in `error`.
    """

    def __init__(self, rows: Iterable[Sequence[object]]) -> None:
        self._lines = map(to_copy_line, rows)
        self.error: BaseException | None = None

    def read(self, _size: int = -1, /) -> bytes:
        """Return the next lines, whatever their length; nothing after the last."""
        try:
            return "".join(islice(self._lines, ROWS_PER_READ)).encode()
        except BaseException as error:
            self.error = error
            raise


def to_copy_line(row: Sequence[object]) -> str:
    """Return one row as a line of COPY's text format, with its newline."""
    return "\t".join(map(_to_field, row)) + "\n"


def _to_field(value: object) -> str:
    if value is None:
        return r"\N"
    text = value.text() if isinstance(value, Jsonb) else str(value)
    return text.translate(ESCAPES)
