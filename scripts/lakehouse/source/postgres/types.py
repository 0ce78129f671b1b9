"""Values that psycopg2 reads or writes otherwise than the project needs."""

from collections.abc import Callable
from datetime import date
from typing import TypeVar

from psycopg2 import DataError
from psycopg2.extensions import connection, cursor, new_type, register_type, string_types
from psycopg2.extras import Json

DATE_OIDS = {"date": 1082, "timestamp": 1114, "timestamptz": 1184}

D = TypeVar("D", bound=date)


class Jsonb(Json):
    """A value that is written as jsonb, also where Postgres cannot infer the type."""

    def getquoted(self) -> bytes:
        return super().getquoted() + b"::jsonb"

    def text(self) -> str:
        """Return the value as JSON text."""
        return str(self.dumps(self.adapted))


def refuse_unrepresentable_dates(conn: connection) -> None:
    """Make reads on this connection raise DataError for a date or timestamp that Python cannot represent.

    psycopg2 alone returns 9999-12-31 for infinity and 0001-01-01 for -infinity, which look like real dates.
    Other dates outside of these years end in a ValueError there.
    """
    for name, oid in DATE_OIDS.items():
        register_type(new_type((oid,), name, _finite(name, string_types[oid])), conn)


def _finite(name: str, parse: Callable[[str | bytes | None, cursor], D]) -> Callable[[str | bytes | None, cursor], D]:
    def cast(value: str | bytes | None, cur: cursor) -> D:
        if value in {"infinity", "-infinity"}:
            raise DataError(f"Python has no {name} for {value!r}: select it as text.")
        try:
            return parse(value, cur)
        except ValueError as error:
            raise DataError(f"Python has no such {name} ({error}): select it as text.") from None

    return cast
