"""Each part of Spark's SQL is on a list: allowed to readers in spark/java, or refused here. A new one is on none."""

import json
import re
from functools import cache
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from lakehouse.settings import ROOT, Settings
from lakehouse.spark.jvm_options import spark_home
from support.class_files import ClassFile, concrete_heirs, read_jars, short_name

JAVA = ROOT / "spark" / "java" / "lakehouse" / "serving"
REFUSED: dict[str, list[str]] = json.loads(
    (Path(__file__).parents[1] / "support" / "refused_sql.json").read_text(encoding="utf-8")
)
GRAMMAR = "org/apache/spark/sql/catalyst/parser/SqlBaseParser$"
STATEMENT_RULES = ("StatementContext", "SetResetStatementContext")
PLAN = "org/apache/spark/sql/catalyst/plans/logical/LogicalPlan"
EXPRESSION = "org/apache/spark/sql/catalyst/expressions/Expression"
OPERATOR = re.compile(r"[^a-z_0-9]")


@cache
def classes() -> dict[str, ClassFile]:
    """Return Spark's, Delta's and Kafka's classes for SQL."""
    jars = [
        *(
            jar
            for kind in ("catalyst", "sql", "sql-api", "hive")
            for jar in (spark_home() / "jars").glob(f"spark-{kind}_*")
        ),
        *(Settings().jars_dir / "spark").glob("*.jar"),
    ]
    return read_jars(jars, ("org/apache/spark/sql", "io/delta"))


def allowed(*names: str) -> set[str]:
    """Return the words of lists in the gate's Java."""
    text = "".join((JAVA / f"{name}.java").read_text(encoding="utf-8") for name in ("AllowedSql", "AllowedFunctions"))
    return {
        word for name in names for words in re.findall(rf' {name} = [\w.]*words\("""(.*?)"""\)', text, re.DOTALL)
        for word in words.split()
    }  # fmt: skip


def check(found: set[str], allowed_names: set[str], refused: list[str]) -> None:
    """Fail where a name is on no list, or on both, or on one though Spark does not have it."""
    assert found - allowed_names == set(refused)
    assert allowed_names <= found


def test_each_labelled_alternative_of_a_statement_is_on_a_list() -> None:
    found = {
        short_name(name).rsplit("$", 1)[1]
        for rule in STATEMENT_RULES
        for name in concrete_heirs(classes(), f"{GRAMMAR}{rule}")
    }
    check(found, allowed("STATEMENTS"), REFUSED["statements"])


def test_each_command_leaf_and_node_of_a_plan_is_on_a_list() -> None:
    found = {short_name(name) for name in concrete_heirs(classes(), PLAN)}
    check(found, allowed("COMMANDS", "PARSED_NODES", "ANALYSED_NODES"), REFUSED["plans"])


def test_no_class_that_reads_or_writes_is_allowed_outside_of_views() -> None:
    """A name says which class is meant: none of the allowed ones is there twice."""
    names = [short_name(name) for name in concrete_heirs(classes(), PLAN)]
    assert [name for name in allowed("COMMANDS", "PARSED_NODES", "ANALYSED_NODES") if names.count(name) != 1] == []
    relations = {name for name in allowed("ANALYSED_NODES") if name.endswith("Relation")}
    assert relations == {"LocalRelation", "OneRowRelation"}


@pytest.mark.parametrize("name", ["EXPRESSIONS", "FORBIDDEN_EXPRESSIONS"])
def test_each_listed_expression_is_one_of_sparks(name: str) -> None:
    assert allowed(name) <= {short_name(found) for found in concrete_heirs(classes(), EXPRESSION)}


def test_each_function_of_the_registry_is_on_a_list(spark: SparkSession) -> None:
    """Look at those that a statement can name: Spark keeps its internal ones in a registry of their own."""
    found = {row.function for row in spark.sql("SHOW SYSTEM FUNCTIONS").collect()}
    names = {name for name in found if not OPERATOR.search(name)}
    assert names - allowed("SCALAR", "TABLE") == set(REFUSED["functions"])
