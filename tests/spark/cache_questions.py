"""Random queries over tables with the columns k, n, s, d, t and xs."""

# ruff: noqa: S608 - the questions are of the tests' own tables

from collections.abc import Callable, Sequence
from random import Random

CONDITIONS = (
    "k % 3 = 1", "n IS NULL", "s LIKE 'a%'", "d > 1.50", "t >= '2026-03-01'", "t < DATE '2026-06-01'", "true",
    "s IN ('a', 'é', '')", "size(xs) > 1", "array_contains(xs, 2)", "NOT (n > 4 OR s IS NULL)", "1 = 0",
    "n BETWEEN -3 AND 9",
)  # fmt: skip
VALUES = (
    "k", "n", "s", "d", "t", "n + 1", "d * 2", "upper(s)", "coalesce(n, 0)", "CASE WHEN n > 2 THEN s ELSE 'x' END",
    "date_trunc('month', t)", "CAST(d AS STRING)", "xs", "try_element_at(xs, 1)", "100 / n", "struct(k, s)",
    "round(d / 3, 2)",
)  # fmt: skip
AGGREGATES = (
    "count(*)", "count(n)", "sum(d)", "avg(n)", "min(t)", "max(s)", "count(DISTINCT s)", "sum(n) FILTER (WHERE k > 3)",
    "stddev(n)", "percentile(n, 0.5)", "sort_array(collect_set(s))", "bool_or(n > 2)",
)  # fmt: skip
GROUPINGS = ("s", "n % 2", "date_trunc('month', t)", "s, n", "ROLLUP(s, n % 2)", "CUBE(s, n % 2)")
JOINS = ("JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "LEFT SEMI JOIN", "LEFT ANTI JOIN")


def random_question(random: Random, tables: Sequence[str]) -> str:
    """Return a query whose rows are the same each time."""
    return random.choice(SHAPES)(random, tables)


def _source(random: Random, tables: Sequence[str]) -> str:
    table = random.choice(tables)
    return random.choice([table, table, f"(SELECT * FROM {table} WHERE {random.choice(CONDITIONS)})"])


def _projection(random: Random, tables: Sequence[str], values: Sequence[str] | None = None) -> str:
    chosen = values or random.sample(VALUES, 3)
    columns = ", ".join(f"{value} AS c{n}" for n, value in enumerate(chosen))
    distinct = random.choice(["", "", "DISTINCT "])
    return f"SELECT {distinct}{columns} FROM {_source(random, tables)} WHERE {random.choice(CONDITIONS)}"


def _aggregate(random: Random, tables: Sequence[str]) -> str:
    columns = ", ".join(random.sample(AGGREGATES, 3))
    group = random.choice(["", *(f" GROUP BY {group} HAVING count(*) > {random.randrange(3)}" for group in GROUPINGS)])
    return f"SELECT {columns} FROM {_source(random, tables)} WHERE {random.choice(CONDITIONS)}{group}"


def _join(random: Random, tables: Sequence[str]) -> str:
    kind = random.choice(JOINS)
    columns = "a.k, a.s" if kind.startswith(("LEFT S", "LEFT A")) else "a.k, a.s, b.n, b.d"
    on = random.choice(["a.k = b.k", "a.k = b.k AND a.s = b.s", "a.n = b.n", "a.k < b.k AND b.n > 7"])
    return f"SELECT {columns} FROM {_source(random, tables)} AS a {kind} {_source(random, tables)} AS b ON {on}"


def _set(random: Random, tables: Sequence[str]) -> str:
    operator = random.choice(["UNION ALL", "UNION", "INTERSECT", "EXCEPT"])
    values = random.sample(VALUES, 3)
    return f"{_projection(random, tables, values)} {operator} {_projection(random, tables, values)}"


def _window(random: Random, tables: Sequence[str]) -> str:
    function = random.choice(["row_number()", "rank()", "sum(d)", "lag(k)", "count(*)"])
    return f"SELECT k, {function} OVER (PARTITION BY s ORDER BY k, n, d) AS w FROM {_source(random, tables)}"


def _subquery(random: Random, tables: Sequence[str]) -> str:
    inner = random.choice(tables)
    condition = random.choice([
        f"n > (SELECT avg(n) FROM {inner})",
        f"k IN (SELECT k + 1 FROM {inner} WHERE {random.choice(CONDITIONS)})",
        f"EXISTS (SELECT 1 FROM {inner} AS i WHERE i.k = o.k AND i.d > 1)",
        f"NOT EXISTS (SELECT 1 FROM {inner} AS i WHERE i.s = o.s)",
    ])  # fmt: skip
    highest = f"(SELECT max(d) FROM {inner} AS i WHERE i.k = o.k)"
    return f"SELECT k, s, {highest} AS m FROM {random.choice(tables)} AS o WHERE {condition}"


def _common_table(random: Random, tables: Sequence[str]) -> str:
    return (
        f"WITH q AS ({_projection(random, tables)}) SELECT a.c0, b.c1 FROM q AS a, (SELECT count(*) AS c1 FROM q) AS b"
    )


def _rows_of_arrays(random: Random, tables: Sequence[str]) -> str:
    outer = random.choice(["", "OUTER "])
    return f"SELECT k, x, p FROM {_source(random, tables)} LATERAL VIEW {outer}posexplode(xs) AS p, x"


def _pivot(random: Random, tables: Sequence[str]) -> str:
    table = random.choice(tables)
    return f"SELECT * FROM (SELECT s, n % 3 AS m, d FROM {table}) PIVOT (sum(d) AS total FOR m IN (0, 1, 2))"


def _first(random: Random, tables: Sequence[str]) -> str:
    limit = random.choice(["LIMIT 3", "LIMIT 5 OFFSET 2", "LIMIT 100000", "LIMIT 0"])
    return f"SELECT k, n, s, d FROM {_source(random, tables)} ORDER BY k, n, s, d {limit}"


SHAPES: tuple[Callable[[Random, Sequence[str]], str], ...] = (
    _projection, _aggregate, _join, _set, _window, _subquery, _common_table, _rows_of_arrays, _pivot, _first,
)  # fmt: skip
