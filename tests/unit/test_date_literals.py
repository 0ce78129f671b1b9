"""One module makes Spark's literals, with dates as text, and a reward rule has a date that people mean."""

import ast
from pathlib import Path

import pytest

from lakehouse.settings import ROOT
from lakehouse.source.ddl import DDL_DIR

LITERALS_MODULE = ROOT / "scripts/lakehouse/spark/literals.py"
SPARK_MODULES = [
    path
    for path in (ROOT / "scripts").rglob("*.py")
    if "pyspark" in path.read_text("utf-8") and path != LITERALS_MODULE
]


def find_other_literals(source: str) -> list[int]:
    """Return the lines that use Spark's own `lit`, or import it."""
    nodes = [*ast.walk(ast.parse(source))]
    return sorted(
        node.lineno
        for node in nodes
        if (isinstance(node, ast.Attribute) and node.attr == "lit")
        or (
            isinstance(node, ast.ImportFrom)
            and node.module == "pyspark.sql.functions"
            and "lit" in {alias.name for alias in node.names}
        )
    )


@pytest.mark.parametrize("path", SPARK_MODULES, ids=lambda path: path.stem)
def test_no_module_but_one_uses_the_literals_of_spark(path: Path) -> None:
    assert find_other_literals(path.read_text("utf-8")) == []


def test_another_literal_is_found_in_each_form() -> None:
    assert find_other_literals("F.lit(day)\nfrom pyspark.sql.functions import lit\nlit(day)") == [1, 2]


def test_reward_rule_of_another_century_is_refused_by_a_constraint() -> None:
    """tests/stack/test_reward_rules.py sees Postgres refuse it."""
    ddl = (DDL_DIR / "50_reward_rules.sql").read_text("utf-8")
    assert "valid_from BETWEEN '1900-01-01' AND '2200-01-01'" in ddl
    assert "NOT VALID" in ddl
