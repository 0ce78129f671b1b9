"""Problems of a change: why a column of it has no value, or none that fits its contract.

`_problems` is an array of (column, kind) in the order of the contract's columns, empty for nearly every change.
"""

from collections.abc import Iterable, Mapping, Sequence

from pyspark.sql import Column, Row
from pyspark.sql import functions as F

TOASTED = "toasted"  # Debezium omitted the TOASTed value
OUT_OF_RANGE = "out_of_range"  # valid in Postgres, and not supported by the lake
TYPE_MISMATCH = "type_mismatch"  # of another type than the contract's
MISSING = "missing"  # the message has no such column
UNRELIABLE_KEY = "unreliable_key"  # the key of a delete is not that of the deleted row
REFUSED_MANUALLY = "refused_manually"  # of no column: the reason that a person gave stands in its place
PROBLEM_TYPE = "STRUCT<column: STRING, kind: STRING>"
NO_PROBLEMS = f"CAST(array() AS ARRAY<{PROBLEM_TYPE}>)"

Condition = tuple[str, str]  # a kind, and SQL for when a column has this problem


def problems_where(conditions: Mapping[str, Sequence[Condition]]) -> str:
    """Return SQL for the problems: of each column the first kind whose condition is true.

    Of Spark's functions that drop NULLs, only array_except is compiled; array_compact took ten times as long.
    """
    problems = ", ".join(_first_problem(column, kinds) for column, kinds in conditions.items() if kinds)
    return f"array_except(CAST(array({problems}) AS ARRAY<{PROBLEM_TYPE}>), array(CAST(NULL AS {PROBLEM_TYPE})))"


def problem(column: str, kind: str) -> str:
    """Return SQL for a problem."""
    return f"named_struct('column', '{column}', 'kind', '{kind}')"


def no_problems() -> Column:
    """Return an empty array of problems."""
    return F.expr(NO_PROBLEMS)


def has_problem(kind: str, column: str | None = None, problems: str = "_problems") -> Column:
    """Return whether there is a problem of this kind, of any column or of one."""
    if column is None:
        return F.array_contains(F.col(problems)["kind"], kind)
    return F.array_contains(problems, F.expr(problem(column, kind)))


def columns_with(kind: str, problems: Iterable[Row]) -> list[str]:
    """Return the columns of collected problems that have a problem of this kind."""
    return [row["column"] for row in problems if row["kind"] == kind]


def _first_problem(column: str, conditions: Iterable[Condition]) -> str:
    cases = " ".join(f"WHEN {condition} THEN {problem(column, kind)}" for kind, condition in conditions)
    return f"CASE {cases} END"
