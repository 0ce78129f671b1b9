"""Views run in this process, by DataFusion, over rows of Python in the place of Gold's tables."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from deltalake import QueryBuilder

from lakehouse.gold.activities import ACTIVITES
from lakehouse.gold.doubles import DOUBLES
from lakehouse.gold.model import Schema
from lakehouse.gold.prime import PRIME_SPORTIVE
from lakehouse.gold.quality import QUALITE_DONNEES
from lakehouse.gold.totals import GOLD_TABLE
from lakehouse.gold.views import View
from lakehouse.gold.wellbeing import WELLBEING
from lakehouse.refresh.scenarios import SCENARIOS

# The widest types, so that a test can give each person an amount of their own as a power of two.
WIDE_TYPES = {"string": "VARCHAR", "int": "BIGINT", "decimal(12,2)": "DECIMAL(24,2)"}
SCHEMAS: Mapping[str, Schema] = {
    **{model.name: model.schema for model in (PRIME_SPORTIVE, WELLBEING, ACTIVITES, DOUBLES, QUALITE_DONNEES)},
    "scenarios": SCENARIOS,
}

Row = Mapping[str, Any]
Tables = Mapping[str, Sequence[Row]]


def run_view(view: View, tables: Tables) -> list[Row]:
    """Return the rows of a view over these tables; a column that a row leaves out is NULL."""
    sql = GOLD_TABLE.sub(lambda match: f"({_render(SCHEMAS[match[1]], tables.get(match[1], ()))})", view.query)
    result = QueryBuilder().execute(sql).read_all()
    columns = [result.column(name).to_pylist() for name in result.schema.names]
    names = [name for name, _ in view.columns]
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


def _render(schema: Schema, rows: Sequence[Row]) -> str:
    columns = ", ".join(
        f"CAST(c{number} AS {WIDE_TYPES.get(kind, kind)}) AS {name}"
        for number, (name, kind) in enumerate(schema.items())
    )
    names = ", ".join(f"c{number}" for number in range(len(schema)))
    values = ", ".join(f"({', '.join(_literal(row.get(name)) for name in schema)})" for row in rows or ({},))
    return f"SELECT {columns} FROM (VALUES {values}) AS stored({names}) WHERE {'true' if rows else 'false'}"  # noqa: S608


def _literal(value: object) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, (str, date)):
        return "'{}'".format(str(value).replace("'", "''"))
    return str(value).lower() if isinstance(value, bool) else f"'{value}'" if isinstance(value, Decimal) else str(value)
