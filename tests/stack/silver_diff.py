"""The differences between Silver and Postgres by key and column (law 2)."""

from typing import Any

from pyspark.sql import Column
from pyspark.sql import functions as F

from lakehouse.cdc.contract import Contract
from lakehouse.source.postgres import connect, sql
from stack.cdc_harness import CdcHarness

Values = tuple[Any, ...]
# Dates and timestamps are compared as text: Postgres holds earlier and later ones than Python's types.
DATE_PATTERNS = {"date": "yyyy-MM-dd", "timestamp": "yyyy-MM-dd'T'HH:mm:ss.SSSSSS"}
INFINITIES = {
    "date": ("9999-12-31", "0001-01-01"),
    "timestamp": ("9999-12-31T23:59:59.999999", "0001-01-01T00:00:00.000000"),
}


def differences(harness: CdcHarness, contract: Contract) -> list[str]:
    """Return a line for each key or column in which Silver and Postgres differ; empty where they are equal.

    A refused key is a difference too: the tests name those that they expect.
    """
    silver, postgres = (
        _group_by_key(contract, _silver_rows(harness, contract)),
        _group_by_key(contract, _postgres_rows(harness, contract)),
    )
    return [
        *(f"{_format_key(key)}: {len(rows)} times in Silver" for key, rows in silver.items() if len(rows) > 1),
        *(f"{_format_key(key)}: only in Postgres" for key in sorted(set(postgres) - set(silver))),
        *(f"{_format_key(key)}: only in Silver" for key in sorted(set(silver) - set(postgres))),
        *(
            f"{_format_key(key)}: {column}"
            for key in sorted(set(silver) & set(postgres))
            for column, silver_value, postgres_value in zip(
                contract.columns, silver[key][0], postgres[key][0], strict=True
            )
            if silver_value != postgres_value
        ),
    ]


def _format_key(key: Values) -> str:
    return ", ".join(map(str, key))


def _group_by_key(contract: Contract, rows: list[Values]) -> dict[Values, list[Values]]:
    key_positions = [[*contract.columns].index(name) for name in contract.key]
    grouped: dict[Values, list[Values]] = {}
    for row in rows:
        grouped.setdefault(tuple(row[position] for position in key_positions), []).append(row)
    return grouped


def _silver_rows(harness: CdcHarness, contract: Contract) -> list[Values]:
    columns = [_silver_column(name, sql_type) for name, sql_type in contract.columns.items()]
    return [tuple(row) for row in harness.lake.silver(contract).select(*columns).collect()]


def _silver_column(name: str, sql_type: str) -> Column:
    pattern = DATE_PATTERNS.get(sql_type.removesuffix("_ntz"))
    return F.date_format(name, pattern) if pattern else F.col(name)


def _postgres_rows(harness: CdcHarness, contract: Contract) -> list[Values]:
    columns = sql.SQL(", ").join(_postgres_column(name, sql_type) for name, sql_type in contract.columns.items())
    query = sql.SQL("SELECT {} FROM {}").format(columns, sql.Identifier(contract.schema, contract.table))
    with connect(harness.settings) as conn:
        return conn.execute(query).fetchall()


def _postgres_column(name: str, sql_type: str) -> sql.Composable:
    column, base_type = sql.Identifier(name), sql_type.removesuffix("_ntz")
    if base_type not in INFINITIES:
        return sql.SQL("{}::text" if sql_type == "string" else "{}").format(column)
    last, first = INFINITIES[base_type]
    # A date is cast to text, because to_char formats fewer dates than Postgres can hold.
    text = "{column}::text" if base_type == "date" else "to_char({column}, 'YYYY-MM-DD\"T\"HH24:MI:SS.US')"
    return sql.SQL(
        f"CASE {{column}} WHEN 'infinity' THEN {{last}} WHEN '-infinity' THEN {{first}} ELSE {text} END"
    ).format(column=column, last=sql.Literal(last), first=sql.Literal(first))
