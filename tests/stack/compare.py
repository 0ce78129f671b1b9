"""Law 2, told key by key and column by column: where Silver is not what Postgres holds."""

from typing import Any

from psycopg import sql
from pyspark.sql import Column
from pyspark.sql import functions as F

from lakehouse.cdc.contract import Contract
from lakehouse.source.postgres import connect
from stack.lab import Bench

Values = tuple[Any, ...]
# Moments are compared as text: Python has no date as late, or as early, as Postgres may have.
PATTERNS = {"date": "yyyy-MM-dd", "timestamp": "yyyy-MM-dd'T'HH:mm:ss.SSSSSS"}
ENDS = {
    "date": ("9999-12-31", "0001-01-01"),
    "timestamp": ("9999-12-31T23:59:59.999999", "0001-01-01T00:00:00.000000"),
}


def differences(bench: Bench, contract: Contract) -> list[str]:
    """Say where Silver and Postgres differ, naming keys and columns; nothing where they are the same.

    A refused key is a difference too: the test says which ones it awaits.
    """
    silver, postgres = _by_key(contract, _silver(bench, contract)), _by_key(contract, _postgres(bench, contract))
    return [
        *(f"{_named(key)}: {len(rows)} times in Silver" for key, rows in silver.items() if len(rows) > 1),
        *(f"{_named(key)}: only in Postgres" for key in sorted(set(postgres) - set(silver))),
        *(f"{_named(key)}: only in Silver" for key in sorted(set(silver) - set(postgres))),
        *(
            f"{_named(key)}: {column}"
            for key in sorted(set(silver) & set(postgres))
            for column, ours, theirs in zip(contract.columns, silver[key][0], postgres[key][0], strict=True)
            if ours != theirs
        ),
    ]


def _named(key: Values) -> str:
    return ", ".join(map(str, key))


def _by_key(contract: Contract, rows: list[Values]) -> dict[Values, list[Values]]:
    places = [[*contract.columns].index(name) for name in contract.key]
    found: dict[Values, list[Values]] = {}
    for row in rows:
        found.setdefault(tuple(row[place] for place in places), []).append(row)
    return found


def _silver(bench: Bench, contract: Contract) -> list[Values]:
    columns = [_read(name, sql_type) for name, sql_type in contract.columns.items()]
    return [tuple(row) for row in bench.lake.silver(contract).select(*columns).collect()]


def _read(name: str, sql_type: str) -> Column:
    pattern = PATTERNS.get(sql_type.removesuffix("_ntz"))
    return F.date_format(name, pattern) if pattern else F.col(name)


def _postgres(bench: Bench, contract: Contract) -> list[Values]:
    columns = sql.SQL(", ").join(_asked(name, sql_type) for name, sql_type in contract.columns.items())
    question = sql.SQL("SELECT {} FROM {}").format(columns, sql.Identifier(contract.schema, contract.table))
    with connect(bench.settings) as conn:
        return conn.execute(question).fetchall()


def _asked(name: str, sql_type: str) -> sql.Composable:
    column, moment = sql.Identifier(name), sql_type.removesuffix("_ntz")
    if moment not in ENDS:
        return sql.SQL("{}::text" if sql_type == "string" else "{}").format(column)
    last, first = ENDS[moment]
    # A date is not made a text by to_char, which knows fewer of them than Postgres.
    text = "{column}::text" if moment == "date" else "to_char({column}, 'YYYY-MM-DD\"T\"HH24:MI:SS.US')"
    return sql.SQL(
        f"CASE {{column}} WHEN 'infinity' THEN {{last}} WHEN '-infinity' THEN {{first}} ELSE {text} END"
    ).format(column=column, last=last, first=first)
