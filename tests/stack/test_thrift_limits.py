"""One question or one crowd of clients takes nobody else's answers: results, time, sessions and memory are bounded."""

import re
import resource
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from pyhive import hive

from lakehouse.errors import NotReady
from lakehouse.local.stack import Stack
from lakehouse.retries import wait_until
from lakehouse.serving.client import QueryError, execute, open_session, query
from lakehouse.settings import ROOT, Settings
from support.timing import seconds

ROWS = 200_000
# 400 MB as Java's objects, in a server with a heap of 480 MB.
LARGE_RESULT = "SELECT id, repeat(md5(CAST(id AS STRING)), 64) AS payload FROM range(200000)"
ENDLESS = "SELECT count(*) FROM range(10000000000000) WHERE id % 7 = pmod(hash(id), 7)"
TWO_GIGABYTES = "SELECT size(collect_list(repeat(CAST(id AS STRING), 200))) FROM range(2000000)"
VIEW = "SELECT count(*) FROM gold.v_kpi"
SESSIONS = 600
THRIFT_CONTAINER = re.compile(r"^  spark-thrift:\n(?:(?!  \w).*\n|\n)*?    mem_limit: (\d+)m\b", re.MULTILINE)


def server_pid(stack: Stack) -> int | None:
    return next(service.pid for service in stack.status() if service.name == "spark-thrift")


def server_memory(stack: Stack) -> int:
    return next(service.memory for service in stack.status() if service.name == "spark-thrift")


def fetch_all(cursor: hive.Cursor, rows_per_fetch: int) -> int:
    fetched = 0
    while rows := cursor.fetchmany(rows_per_fetch):
        fetched += len(rows)
    return fetched


def test_200000_rows_of_two_kilobytes_arrive_and_the_server_stays(stack: Stack) -> None:
    pid = server_pid(stack)
    with open_session(stack.settings) as cursor:
        cursor.arraysize = 10_000
        cursor.execute(LARGE_RESULT)
        assert fetch_all(cursor, cursor.arraysize) == ROWS
    assert server_pid(stack) == pid


def test_question_that_computes_past_its_limit_ends_with_a_sentence(settings: Settings) -> None:
    with open_session(settings) as cursor:
        execute(cursor, "SET spark.lakehouse.question.timeout=2s")
        started_at = time.monotonic()
        with pytest.raises(QueryError, match=r"took more than 2 s of computing\. Ask for fewer rows"):
            execute(cursor, ENDLESS)
        assert 2 <= time.monotonic() - started_at < seconds(30)
        assert execute(cursor, "SELECT 1").rows == [(1,)]


@pytest.mark.long
def test_question_has_sixty_seconds_unless_set_otherwise(settings: Settings) -> None:
    started_at = time.monotonic()
    with pytest.raises(QueryError, match="took more than 60 s of computing"):
        query(settings, ENDLESS)
    assert 60 <= time.monotonic() - started_at < seconds(90)


@pytest.fixture
def many_files() -> Iterator[None]:
    """Allow this process as many open sockets as it may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("many_files")
def test_600_open_sessions_leave_another_client_its_answer(stack: Stack) -> None:
    """Take up to a minute."""
    pid, settings = server_pid(stack), stack.settings
    with ExitStack() as sessions:
        for _ in range(SESSIONS):
            sessions.callback(close_quietly, hive.connect(settings.thrift_host, settings.thrift_port, username="admin"))
        started_at = time.monotonic()
        assert query(settings, "SELECT 1").rows == [(1,)]
        assert time.monotonic() - started_at < seconds(2)
        [limit] = THRIFT_CONTAINER.findall((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
        assert server_memory(stack) < int(limit) << 20
    assert server_pid(stack) == pid


def close_quietly(connection: hive.Connection) -> None:
    """Close a session that the server may have closed before."""
    try:
        connection.close()
    except Exception as error:  # noqa: BLE001 - thrift's and PyHive's errors share no base class
        closed_by_server = ("SessionHandle", "does not exist", "read 0 bytes", "unexpected exception", "Broken pipe")
        assert any(text in str(error) for text in closed_by_server), error  # noqa: PT017 - any other is a fault


def test_server_that_one_question_ended_is_back_with_its_views(stack: Stack) -> None:
    settings, pid = stack.settings, server_pid(stack)
    assert query(settings, VIEW).rows
    with pytest.raises((NotReady, QueryError)) as ended:
        query(settings, TWO_GIGABYTES)
    if isinstance(ended.value, NotReady):
        # The connection is lost before the process is reaped: until then its pid says nothing.
        wait_until(lambda: server_pid(stack) not in (None, pid), timeout=seconds(60), missing="another server")

    def answers() -> bool:
        try:
            return bool(query(settings, VIEW).rows)
        except (NotReady, QueryError):
            return False

    wait_until(answers, timeout=seconds(60), missing="the view", interval=0.5)
