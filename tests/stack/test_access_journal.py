"""The journal of access, by count: each session and statement of a reader has exactly its lines, without values."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from pyhive import exc
from TCLIService import ttypes

from lakehouse.errors import NotReady
from lakehouse.local.stack import Stack
from lakehouse.retries import wait_until
from lakehouse.serving.client import QueryError, execute, query
from lakehouse.settings import Settings
from support.thrift_connection import connection, login_is_accepted
from support.timing import seconds

JOIN = "SELECT * FROM gold.v_kpi k JOIN gold.v_journal j ON 1 = 0"
SEVEN_ROWS = "SELECT explode(sequence(1, 7)), 'Mendes'"
ANSWERED = (
    "SELECT 52770, 'Mendes' -- Mendes",
    "SELECT count(*) FROM gold.v_prime_sportive WHERE salaire_brut > 52770",
    "SELECT 1 WHERE EXISTS (SELECT 1 FROM gold.v_wellbeing WHERE employee_id = 52770)",
    "WITH q AS (SELECT * FROM gold.v_kpi) SELECT count(*) FROM q",
    JOIN,
    SEVEN_ROWS,
    "SHOW VIEWS IN gold",
    "DESCRIBE gold.v_kpi",
    "EXPLAIN SELECT * FROM gold.v_kpi",
    "SET spark.lakehouse.question.timeout=70s",
)
REFUSED = (
    "SELECT reflect('java.lang.System', 'getenv', 'Mendes')",
    "SELECT * FROM csv.`/etc/passwd`",
    "DROP VIEW gold.v_kpi",
    "SET spark.sql.ansi.enabled=false",
    "SELECT ${env:MENDES}",
)
FAULTY = (
    "SELECT * FROM gold.v_kpi WHERE unit = 'Mendes' 52770 52770",
    "SELECT * FROM gold.v_prime_sportive WHERE motif = Mendes",
    "SELECT 52770 / 0",
    "SELECT raise_error('[MENDES] 52770')",
    "SELECT * FROM gold.v_mendes WHERE 'Mendes' = 1",
)
# Opens a result of 7 rows, fetches three of them, says so, and waits for its end.
CLIENT = """
import sys
from pyhive import hive
cursor = hive.connect("127.0.0.1", int(sys.argv[1]), username="admin").cursor(arraysize=3)
cursor.execute(sys.argv[2])
cursor.fetchone()
print("fetched", flush=True)
sys.stdin.read()
"""


def lines(settings: Settings) -> list[dict[str, Any]]:
    """Return the lines of all writers."""
    files = sorted(settings.access_journal_dir.glob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]


def ends(written: list[dict[str, Any]]) -> Counter[str]:
    """Return how often each event, or a statement's outcome, is among the lines."""
    return Counter(line.get("outcome", line["event"]) for line in written)


@contextmanager
def added_lines(settings: Settings) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Yield a function: the lines that were added since."""
    count = len(lines(settings))
    yield lambda: lines(settings)[count:]


def try_statement(cursor: Any, sql: str) -> bool:
    try:
        execute(cursor, sql)
    except QueryError:
        return False
    return True


def test_30_mixed_statements_have_30_lines_in_their_session(settings: Settings) -> None:
    statements = [*ANSWERED, *REFUSED, *FAULTY, *reversed(ANSWERED)]
    assert len(statements) == 30
    with added_lines(settings) as added:
        with connection(settings) as opened:
            results = [try_statement(opened.cursor(), sql) for sql in statements]
        written = added()
    assert results == [True] * 10 + [False] * 10 + [True] * 10
    # One more: PyHive's own USE.
    assert ends(written) == {"session_opened": 1, "answered": 21, "refused": 5, "failed": 5, "session_closed": 1}
    assert len({line["session"] for line in written}) == 1
    assert {(line["user"], line["role"], line["client"]) for line in written} == {("admin", "rh", "127.0.0.1")}
    text = json.dumps(written).upper()
    assert not [value for value in ("52770", "MENDES'", "'MENDES", "= MENDES", "[MENDES", "ENV:") if value in text]
    by_text = {line["asked"]: line for line in written if line["event"] == "statement"}
    assert by_text["SELECT * FROM gold.v_kpi k JOIN gold.v_journal j ON ? = ?"]["views"] == [
        "gold.v_journal",
        "gold.v_kpi",
    ]
    assert by_text["SELECT explode(sequence(?, ?)), ?"]["rows"] == 7
    assert [line["views"] for line in written if "EXISTS" in line.get("asked", "")] == [["gold.v_wellbeing"]] * 2
    failures = {line["condition"] for line in written if line.get("outcome") == "failed"}
    assert {"PARSE_SYNTAX_ERROR", "DIVIDE_BY_ZERO", "USER_RAISED_EXCEPTION", "TABLE_OR_VIEW_NOT_FOUND"} < failures
    assert all(file.stat().st_mode & 0o777 == 0o640 for file in settings.access_journal_dir.glob("*.jsonl"))


def test_refused_login_session_and_statement_of_another_connection_have_a_line_each(settings: Settings) -> None:
    with added_lines(settings) as added:
        assert not login_is_accepted(settings, b"\0marie\0wrong")
        with pytest.raises(exc.OperationalError), connection(settings, {"use:database": "silver"}):
            pass
        with connection(settings) as theirs, connection(settings) as ours:
            request = ttypes.TExecuteStatementReq(sessionHandle=theirs.sessionHandle, statement="SELECT 1")
            ours.client.ExecuteStatement(request)
        written = added()
    assert ends(written) == {
        "login_refused": 1,
        "session_refused": 1,
        "session_opened": 2,
        "answered": 2,
        "refused": 1,
        "session_closed": 2,
    }
    assert [(line["user"], line["client"]) for line in written[:2]] == [(None, "127.0.0.1"), ("admin", "127.0.0.1")]


def test_killed_client_and_killed_server_have_the_lines_of_their_ends(stack: Stack) -> None:
    settings = stack.settings
    with added_lines(settings) as added:
        with open_client(settings) as client:
            client.kill()
            wait_until(
                lambda: ends(added())["session_cut"] == 1, timeout=seconds(60), missing=lambda: f"the end: {added()}"
            )
        assert ends(added()) == {"session_opened": 1, "answered": 1, "cut": 1, "session_cut": 1}
        [cut] = [line for line in added() if line.get("outcome") == "cut"]
        assert cut["rows"] == 3
        with open_client(settings):
            pid = next(service.pid for service in stack.status() if service.name == "spark-thrift")
            assert pid
            os.kill(pid, signal.SIGKILL)
            wait_until(lambda: is_back(settings), timeout=seconds(120), missing="the server", interval=0.5)
        assert ends(added()) == {"session_opened": 2, "answered": 2, "cut": 2, "session_cut": 2}


@contextmanager
def open_client(settings: Settings) -> Iterator["subprocess.Popen[bytes]"]:
    """Yield a client that has fetched a part of a result; it ends with the block."""
    command = [sys.executable, "-c", CLIENT, str(settings.thrift_port), SEVEN_ROWS]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as client:
        try:
            assert client.stdout
            assert client.stdout.readline() == b"fetched\n"
            yield client
        finally:
            client.kill()


def is_back(settings: Settings) -> bool:
    try:
        return bool(query(settings, "SELECT 1", as_owner=True).rows)
    except (NotReady, QueryError):
        return False


def test_routine_of_the_views_owner_has_no_line_and_a_look_at_figures_has_one(settings: Settings) -> None:
    with added_lines(settings) as added:
        query(settings, "SELECT 1", as_owner=True)
        query(settings, "SHOW VIEWS IN gold", as_owner=True)
        assert added() == []
        query(settings, "SELECT count(*) FROM gold.v_kpi", as_owner=True)
        [line] = added()
    assert (line["user"], line["role"], line["outcome"]) == ("owner", "owner", "answered")


def test_view_shows_the_journal_to_a_reader(settings: Settings) -> None:
    """The ends of other tests' sessions may be noted at any time."""
    with connection(settings) as opened:
        before = len(lines(settings))
        rows = execute(opened.cursor(), "SELECT evenement, qui FROM gold.v_acces").rows
        assert before <= len(rows) <= len(lines(settings))
    assert ("question", "admin") in rows


def test_repeated_question_has_its_views_each_time(settings: Settings) -> None:
    """The first ones' results are still open."""
    with added_lines(settings) as added:
        with connection(settings) as opened:
            cursors = [opened.cursor() for _ in range(6)]
            for cursor in cursors:
                cursor.execute(JOIN)
        questions = [line for line in added() if line["event"] == "statement" and line["asked"].startswith("SELECT")]
    assert [line["views"] for line in questions] == [["gold.v_journal", "gold.v_kpi"]] * len(cursors)


def test_line_of_a_statement_and_of_a_session_is_there_when_its_end_is_answered(settings: Settings) -> None:
    """Spark's listener tells the journal of the same end, in a thread of its own."""
    late = Counter[str]()
    for _ in range(150):
        with added_lines(settings) as added:
            with connection(settings) as opened:
                with closing(opened.cursor()) as cursor:
                    execute(cursor, "SELECT 1")
                late["statement"] += ends(added())["answered"] < 2  # PyHive's own USE is the first
            late["session"] += ends(added())["session_closed"] < 1
    assert +late == {}
