"""Law: what the Thrift server's cache answers is what the tables hold now, in rows, types and order."""

# ruff: noqa: S608 - the questions are of the tests' own tables

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

import pytest
from deltalake import DeltaTable
from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from lakehouse.cdc.table_store import TableStore
from lakehouse.gold.views import load_views
from lakehouse.refresh.table_setup import create_tables
from lakehouse.settings import ROOT
from spark.cache_questions import random_question

TOO_MANY_ROWS = 20_001
PROPERTIES = {"columnMapping.mode": "name", "enableDeletionVectors": "true"}
# The clock, and functions with lambdas.
COMPUTED_EACH_TIME = {"gold.v_declarations_a_verifier", "gold.v_proche_du_seuil", "gold.v_qualite_donnees"}
CACHE = "spark.lakehouse.cache.enabled"

Answer = tuple[StructType, list[str]]


def server_settings() -> Iterator[tuple[str, str]]:
    """Yield the Thrift server's settings of questions."""
    lines = (ROOT / "spark" / "thrift.conf").read_text(encoding="utf-8").splitlines()
    for key, value in (line.split(None, 1) for line in lines if line.startswith("spark.")):
        if key.startswith(("spark.sql.", "spark.lakehouse.cache.")) and not key.startswith("spark.sql.thriftServer."):
            yield key, value.strip()


def ask(session: SparkSession, question: str) -> Answer | str | None:
    """Return the answer, or the condition of the error."""
    try:
        frame = session.sql(question)
        rows = frame._jdf.toLocalIterator()  # noqa: SLF001 - as the Thrift server does; PySpark's own runs another plan
        return frame.schema, [rows.next().toString() for _ in iter(rows.hasNext, False)]
    except PySparkException as error:
        return error.getCondition()
    except Py4JJavaError:  # of a class that PySpark does not know
        return "error"


class Tables:
    """A folder of tables, asked of by a session with the cache and by one without."""

    def __init__(self, spark: SparkSession, folder: Path) -> None:
        self.spark, self.folder = spark, folder
        self.cached, self.computed = spark.newSession(), spark.newSession()
        for key, value in server_settings():
            self.cached.conf.set(key, value)
            self.computed.conf.set(key, value)
        self.computed.conf.set(CACHE, "false")

    def name(self, table: str) -> str:
        return f"delta.`{self.folder / table}`"

    def rows(self, count: int, start: int = 0) -> DataFrame:
        return (
            self.spark.range(start, start + count)
            .selectExpr(
                "id AS k",
                "CAST(if(id % 7 = 0, NULL, id % 11 - 2) AS INT) AS n",
                "element_at(array('a', 'ab', 'é', '', NULL, 'x y'), CAST(id % 6 + 1 AS INT)) AS s",
                "CAST(if(id % 5 = 0, NULL, id % 9 + 0.25) AS DECIMAL(12, 2)) AS d",
                "timestampadd(DAY, CAST(id AS INT), TIMESTAMP '2026-01-31 22:30:00') AS t",
                "sequence(1, CAST(id % 4 AS INT), 1) AS xs",
            )
            .withColumn("xs", F.when(F.col("k") % 4 == 0, F.array().cast("array<int>")).otherwise(F.col("xs")))
        )

    def create(self, table: str, count: int, partitioned_by: Sequence[str] = (), *properties: str) -> None:
        writer = self.rows(count).coalesce(1).write.format("delta").partitionBy(*partitioned_by)
        for name in properties:
            writer = writer.option(f"delta.{name}", PROPERTIES[name])
        writer.save(str(self.folder / table))

    def check(self, question: str) -> Answer | str | None:
        """Return the answer. Raises AssertionError where the first or the second differs from what the tables hold."""
        computed = ask(self.computed, question)
        for _ in range(2):
            assert ask(self.cached, question) == computed, question
        return computed

    def plan(self, question: str) -> str:
        execution = self.cached.sql(question)._jdf.queryExecution()  # noqa: SLF001 - PySpark has no other way to a plan
        return str(execution.executedPlan().toString())

    def is_from_memory(self, question: str) -> bool:
        """Return whether a question that was answered now has its rows from memory."""
        ask(self.cached, question)
        return self.plan(question).startswith("LocalRows")


@pytest.fixture
def tables(spark: SparkSession, tmp_path: Path) -> Tables:
    return Tables(spark, tmp_path)


@pytest.fixture(scope="module")
def company(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Tables:
    tables = Tables(spark, tmp_path_factory.mktemp("company"))
    tables.create("plain", 40)
    tables.create("empty", 0)
    tables.create("partitioned", 30, ("s",))
    tables.create("mapped", 25, (), "columnMapping.mode")
    tables.create("deleted", 40, (), "enableDeletionVectors")
    spark.sql(f"DELETE FROM {tables.name('deleted')} WHERE k % 3 = 0")
    return tables


@pytest.mark.parametrize("seed", [*range(12), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(12, 400))])
def test_random_question_has_the_answer_of_the_tables(company: Tables, seed: int) -> None:
    names = [company.name(table) for table in ("plain", "empty", "partitioned", "mapped", "deleted")]
    company.check(random_question(Random(seed), names))


def test_each_commit_of_another_process_counts_for_the_next_question(tables: Tables) -> None:
    tables.create("t", 30)
    questions = [f"SELECT * FROM {tables.name('t')}", f"SELECT count(*), sum(n), max(k) FROM {tables.name('t')}"]
    for n in range(12):
        table = DeltaTable(tables.folder / "t")
        if n % 3:
            table.update(updates={"n": f"{n}"}, predicate=f"k % 5 = {n % 5}")
        else:
            table.delete(f"k = {n}")
        answers = [tables.check(question) for question in questions]
        assert all(tables.is_from_memory(question) for question in questions), answers


CHANGES = {
    "update with deletion vectors": "UPDATE {t} SET n = 100 WHERE k % 2 = 0",
    "merge": "MERGE INTO {t} USING (SELECT 3 AS k) s ON {t}.k = s.k WHEN MATCHED THEN DELETE",
    "insert": "INSERT INTO {t} SELECT * FROM {t} WHERE k < 4",
    "overwrite": "INSERT OVERWRITE {t} SELECT * FROM {t} WHERE k < 9",
    "new column": "ALTER TABLE {t} ADD COLUMN more STRING",
    "renamed column": "ALTER TABLE {t} RENAME COLUMN s TO other",
    "dropped column": "ALTER TABLE {t} DROP COLUMN d",
    "comment": "ALTER TABLE {t} ALTER COLUMN k COMMENT 'the key'",
    "reorganised": "OPTIMIZE {t}",
    "restored": "RESTORE {t} TO VERSION AS OF 0",
    "emptied": "DELETE FROM {t}",
}


@pytest.mark.parametrize("change", CHANGES)
def test_change_by_spark_counts_for_the_next_question(tables: Tables, change: str) -> None:
    tables.create("t", 30, (), *PROPERTIES)
    tables.spark.sql(f"DELETE FROM {tables.name('t')} WHERE k = 11")
    question = f"SELECT * FROM {tables.name('t')}"
    tables.check(question)
    tables.spark.sql(CHANGES[change].replace("{t}", tables.name("t")))
    tables.check(question)


def test_table_created_again_under_its_path_is_another_one(tables: Tables) -> None:
    question = f"SELECT k FROM {tables.name('t')}"
    for count in (3, 5, 0, 4):
        shutil.rmtree(tables.folder / "t", ignore_errors=True)
        tables.create("t", count)
        answer = tables.check(question)
        assert isinstance(answer, tuple)
        assert len(answer[1]) == count
    shutil.rmtree(tables.folder / "t")
    assert isinstance(tables.check(question), str)


def test_version_that_is_not_committed_is_not_read(tables: Tables) -> None:
    tables.create("t", 5)
    question = f"SELECT k FROM {tables.name('t')}"
    before = tables.check(question)
    log = tables.folder / "t" / "_delta_log"
    (log / "_commit_0b0e.json.tmp").write_text('{"commitInfo": {', encoding="utf-8")
    shutil.copy(next((tables.folder / "t").glob("*.parquet")), tables.folder / "t" / "left-behind.parquet")
    assert tables.check(question) == before
    (log / "00000000000000000001.json").write_text('{"remove": {"path"', encoding="utf-8")
    assert isinstance(tables.check(question), str)
    (log / "00000000000000000001.json").unlink()


def test_earlier_and_newest_version_are_both_read(tables: Tables) -> None:
    tables.create("t", 5)
    tables.spark.sql(f"DELETE FROM {tables.name('t')} WHERE k > 1")
    counts = []
    for suffix in ("", " VERSION AS OF 0", "", " VERSION AS OF 1", " VERSION AS OF 0"):
        answer = tables.check(f"SELECT count(*) FROM {tables.name('t')}{suffix}")
        assert isinstance(answer, tuple)
        counts += answer[1]
    assert counts == ["[2]", "[5]", "[2]", "[2]", "[5]"]


def test_large_table_is_read_and_what_is_computed_from_it_is_from_memory(tables: Tables) -> None:
    tables.create("t", TOO_MANY_ROWS)
    whole, total = (f"SELECT {columns} FROM {tables.name('t')}" for columns in ("k", "sum(n)"))
    tables.check(whole)
    assert not tables.is_from_memory(whole)
    assert "LocalRows" not in tables.plan(whole)
    tables.check(total)
    assert tables.is_from_memory(total)
    DeltaTable(tables.folder / "t").delete("k = 1")
    tables.check(whole)
    assert tables.is_from_memory(whole)


@pytest.mark.parametrize(
    "value",
    [
        *("current_timestamp()", "now()", "current_date()", "localtimestamp()", "unix_timestamp()"),
        *("rand()", "uuid()", "shuffle(xs)", "monotonically_increasing_id()", "current_user()", "session_user()"),
        *("current_database()", "CAST('now' AS TIMESTAMP)", "CAST(' Today' AS DATE)"),
        *("CAST(concat('to', 'day') AS DATE)", "TIMESTAMP 'now'", "DATE(CAST('yesterday' AS STRING))"),
        *("to_date('today')", "to_timestamp('now')", "CAST(nvl('today', 'x') AS DATE)", "CAST('08:00' AS TIMESTAMP)"),
        *("t > '08:00'", "t > 'T08:00:01'", "try_cast(s AS TIMESTAMP)", "CAST(array('08:00') AS ARRAY<TIMESTAMP>)"),
        *("from_json('{\"a\": \"08:00\"}', 'a TIMESTAMP')", "transform(xs, x -> now())", "try_to_date('today')"),
        *("(SELECT max(k) + rand() FROM {t})", "t > (SELECT now())"),
    ],
)  # fmt: skip
def test_answer_of_a_moment_or_of_a_person_is_not_cached(company: Tables, value: str) -> None:
    table = company.name("plain")
    question = f"SELECT k, {value.replace('{t}', table)} FROM {table}"
    assert isinstance(ask(company.cached, question), tuple)
    assert not company.is_from_memory(question)


@pytest.mark.parametrize(
    "pair",
    [
        ("(CAST(n AS DOUBLE) + 1e16D) + -1e16D", "CAST(n AS DOUBLE) + (1e16D + -1e16D)"),
        ("n + (2147483647 + -2147483647)", "(n + 2147483647) + -2147483647"),
        ("(CAST(n AS DOUBLE) * 1e300D) * 1e-300D * 1e300D", "CAST(n AS DOUBLE) * (1e300D * 1e-300D * 1e300D)"),
        *(
            (f"transform(xs, x -> transform(xs, y -> transform(array(0), z -> {inner})))" for inner in pair)
            for pair in (("x", "y"), ("x + z", "y + z"))
        ),
        ("n - 1 - 2", "n - (1 - 2)"),
        ("struct(k AS a)", "struct(k AS b)"),
        ("CAST(n AS BIGINT)", "CAST(n AS INT)"),
        ("1.0", "1.00"),
        ("'a'", "'a '"),
    ],
)
def test_questions_that_look_alike_have_each_its_own_answer(company: Tables, pair: tuple[str, str]) -> None:
    for value in (*pair, *pair):
        company.check(f"SELECT k, {value} AS v FROM {company.name('plain')}")


def test_views_without_a_clock_or_a_lambda_are_answered_from_memory(tables: Tables) -> None:
    create_tables(TableStore(str(tables.folder)))
    views = [view for view in load_views(str(tables.folder)) if view.name != "gold.v_acces"]
    questions = {view.name: view.query for view in views}
    for question in questions.values():
        tables.check(question)
    assert {name for name, question in questions.items() if not tables.is_from_memory(question)} == COMPUTED_EACH_TIME


def test_answer_depends_on_the_settings_of_the_session(company: Tables) -> None:
    question = f"SELECT k, CAST(t AS STRING) FROM {company.name('plain')}"
    company.check(question)
    for session in (company.cached, company.computed):
        session.conf.set("spark.sql.session.timeZone", "Asia/Tokyo")
    elsewhere = company.check(question)
    for session in (company.cached, company.computed):
        session.conf.set("spark.sql.session.timeZone", "UTC")
    assert company.check(question) != elsewhere


def test_names_of_columns_are_those_of_the_question(company: Tables) -> None:
    for name in ("a", "b"):
        answer = company.check(f"SELECT k AS {name}, struct(k AS {name}) AS s FROM {company.name('plain')}")
        assert isinstance(answer, tuple)
        assert answer[0].names == [name, "s"]


def test_values_beyond_the_bound_are_forgotten_the_least_recently_used_first(spark: SparkSession) -> None:
    jvm = spark._jvm  # noqa: SLF001 - the cache is Java's
    assert jvm is not None
    cache = jvm.lakehouse.cache.LruCache(100)
    for n in range(10):
        cache.keep(n, f"value {n}", 20)
        cache.find(0)
    assert [n for n in range(10) if cache.find(n).isPresent()] == [0, 6, 7, 8, 9]
    cache.keep("too large", "x", 101)
    assert not cache.find("too large").isPresent()
    cache.keep(9, "larger", 80)
    assert [n for n in range(10) if cache.find(n).isPresent()] == [8, 9]
    assert cache.bytes() == 100
