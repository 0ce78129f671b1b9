"""Law: a question over Thrift has the same answer from memory as from the tables."""

# ruff: noqa: S608 - the questions are of the test's own views

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from arro3.core import Array, DataType, Table
from deltalake import write_deltalake

from lakehouse.gold.views import load_views
from lakehouse.local.stack import Stack
from lakehouse.serving.client import QueryError, execute, open_session, query
from lakehouse.settings import Settings

WITHOUT_CACHE = "SET spark.lakehouse.cache.enabled=false"
VIEW, SELECT, DROP = "gold.v_essai", "SELECT * FROM gold.v_essai", "DROP VIEW IF EXISTS gold.v_essai"
QUESTIONS = (
    "SELECT business_unit, count(*), sum(montant_prime) FROM gold.v_prime_sportive GROUP BY 1",
    "SELECT * FROM gold.v_prime_sportive WHERE montant_prime > 0 ORDER BY employee_id LIMIT 10",
    "SELECT DISTINCT motif FROM gold.v_prime_sportive",
    "SELECT count(*) FROM gold.v_prime_sportive p JOIN gold.v_wellbeing w ON p.employee_id = w.employee_id",
    "SELECT *, rank() OVER (PARTITION BY business_unit ORDER BY salaire_brut DESC) FROM gold.v_prime_sportive",
    "SELECT * FROM gold.v_wellbeing WHERE employee_id IN (SELECT employee_id FROM gold.v_prime_sportive)",
    "SELECT 1 FROM gold.v_kpi WHERE 1 = 0",
)
VIEWS = [view.name for view in load_views("/lake") if view.name != "gold.v_acces"]  # whose answer has the questions


@pytest.fixture
def table(settings: Settings) -> Iterator[Path]:
    """Yield the path of a table of this test in Gold."""
    path = Path(settings.lake) / "gold" / "essai"
    yield path
    query(settings, DROP, as_owner=True)
    shutil.rmtree(path, ignore_errors=True)


def write(path: Path, *numbers: int) -> None:
    rows = Table.from_pydict({"n": Array(numbers, DataType.int64())})
    write_deltalake(path, rows, mode="overwrite")


@pytest.mark.parametrize("question", [*(f"SELECT * FROM {view}" for view in VIEWS if view[:5] == "gold."), *QUESTIONS])
def test_first_and_second_answer_are_those_of_the_tables(settings: Settings, question: str) -> None:
    with open_session(settings, as_owner=True) as owner, open_session(settings) as reader:
        execute(owner, WITHOUT_CACHE)
        computed = execute(owner, question), owner.description
        for _ in range(2):
            assert (execute(reader, question), reader.description) == computed


def test_commit_and_another_view_count_for_the_next_question(settings: Settings, table: Path) -> None:
    write(table, 1)
    query(settings, f"CREATE VIEW {VIEW} AS SELECT * FROM delta.`{table}`", as_owner=True)
    with open_session(settings) as reader:
        for n in range(12):
            write(table, n, n + 1)
            for _ in range(2):
                assert execute(reader, SELECT).rows == [(n,), (n + 1,)]
        query(settings, f"CREATE OR REPLACE VIEW {VIEW} AS SELECT -n AS n FROM delta.`{table}`", as_owner=True)
        assert execute(reader, SELECT).rows == [(-11,), (-12,)]
        shutil.rmtree(table)
        write(table, 5)
        assert execute(reader, SELECT).rows == [(-5,)]
        query(settings, DROP, as_owner=True)
        with pytest.raises(QueryError, match="TABLE_OR_VIEW_NOT_FOUND"):
            execute(reader, SELECT)


def test_reader_cannot_change_whether_answers_come_from_memory(settings: Settings) -> None:
    with open_session(settings) as reader, pytest.raises(QueryError, match="LAKEHOUSE_REFUSED"):
        execute(reader, WITHOUT_CACHE)


def count_sessions(stack: Stack) -> int:
    """Return how many of Spark's sessions the server has in memory."""
    [pid] = [service.pid for service in stack.status() if service.name == "spark-thrift"]
    assert pid
    command = [str(Path(psutil.Process(pid).exe()).with_name("jcmd")), str(pid), "GC.class_histogram"]
    histogram = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    [count] = [line.split()[1] for line in histogram.splitlines() if line.endswith("classic.SparkSession")]
    return int(count)


def test_cached_results_keep_no_closed_session_in_memory(stack: Stack, settings: Settings) -> None:
    before = count_sessions(stack)
    for n in range(30):
        query(settings, f"SELECT count(*) + {n} FROM gold.v_prime_sportive")
    assert count_sessions(stack) - before < 10
