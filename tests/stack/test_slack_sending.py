"""The outbox is sent in order, each message once, whatever Slack answers."""

from collections.abc import Iterator

import httpx
import psycopg
import pytest
from pydantic import SecretStr
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from lakehouse.errors import AlreadyRunning
from lakehouse.settings import Settings
from lakehouse.slack import changes, notifier, outbox
from lakehouse.slack.sender import Sender
from lakehouse.source import postgres
from lakehouse.waiting import Stop
from stack.activities import employ, go_live, message


@pytest.fixture
def conn(database: Settings) -> Iterator[psycopg.Connection]:
    with postgres.connect(database, autocommit=True) as conn:
        employ(conn, 10)
        go_live(conn)
        read = [changes.read(message(activity_id=activity_id)) for activity_id in (1, 2, 3)]
        outbox.owe(conn, [change for change in read if change is not None])
        yield conn


@pytest.fixture
def sender(httpserver: HTTPServer) -> Iterator[Sender]:
    with httpx.Client() as client:
        yield Sender(client, SecretStr(httpserver.url_for("/hook")))


def slack(httpserver: HTTPServer, *statuses: int, retry_after: str = "1") -> None:
    for status in statuses:
        headers = {"Retry-After": retry_after} if status == 429 else {}
        httpserver.expect_ordered_request("/hook").respond_with_data("so", status=status, headers=headers)


def rows(conn: psycopg.Connection) -> list[tuple[int, str, int]]:
    return conn.execute("SELECT activity_id, status, attempts FROM ops.slack_outbox ORDER BY owed_at").fetchall()


def test_a_burst_goes_out_at_once_and_in_order(
    httpserver: HTTPServer, conn: psycopg.Connection, sender: Sender
) -> None:
    slack(httpserver, 200, 200, 200)
    assert [sender.send_one(conn) for _ in range(4)] == [0.0, 0.0, 0.0, None]
    assert rows(conn) == [(1, "sent", 1), (2, "sent", 1), (3, "sent", 1)]
    said = [request.json["text"] for request, _ in httpserver.log if request.json is not None]
    assert said == [text for _, text, _ in outbox.messages(conn)]


def test_an_outage_holds_the_whole_queue_and_loses_nothing(
    httpserver: HTTPServer, conn: psycopg.Connection, sender: Sender
) -> None:
    slack(httpserver, 500)
    sender.send_one(conn)
    assert sender.send_one(conn) is None
    assert rows(conn) == [(1, "pending", 1), (2, "pending", 0), (3, "pending", 0)]
    conn.execute("UPDATE ops.slack_outbox SET next_attempt_at = now()")
    slack(httpserver, 200, 200, 200)
    assert [sender.send_one(conn) for _ in range(4)] == [0.0, 0.0, 0.0, None]
    assert rows(conn) == [(1, "sent", 2), (2, "sent", 1), (3, "sent", 1)]


def test_waits_grow_with_each_failure(httpserver: HTTPServer, conn: psycopg.Connection, sender: Sender) -> None:
    waits = []
    for _ in range(3):
        slack(httpserver, 503)
        conn.execute("UPDATE ops.slack_outbox SET next_attempt_at = now()")
        sender.send_one(conn)
        pending = outbox.first(conn)
        assert pending is not None
        waits.append(round(pending.due_in))
    assert waits == [1, 2, 4]


def test_429_waits_for_as_long_as_slack_says_and_slows_down(
    httpserver: HTTPServer, conn: psycopg.Connection, sender: Sender
) -> None:
    slack(httpserver, 429, retry_after="30")
    assert sender.send_one(conn) == pytest.approx(1.0)
    assert rows(conn)[0] == (1, "pending", 1)
    pending = outbox.first(conn)
    assert pending is not None
    assert pending.due_in == pytest.approx(30, abs=2)
    early = sender.send_one(conn)
    assert early is not None
    assert 0 < early <= 1


def test_what_slack_refuses_is_set_aside_with_its_answer_and_the_next_goes_out(
    httpserver: HTTPServer, conn: psycopg.Connection, sender: Sender
) -> None:
    slack(httpserver, 400, 200)
    sender.send_one(conn)
    sender.send_one(conn)
    assert rows(conn)[:2] == [(1, "set_aside", 1), (2, "sent", 1)]
    assert outbox.messages(conn)[0][2] == "400 so"


def test_what_slack_took_while_postgres_went_is_noted_later_and_not_sent_again(
    httpserver: HTTPServer, conn: psycopg.Connection, sender: Sender, database: Settings
) -> None:
    def take(_: Request) -> Response:
        with postgres.connect(database, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s)", [conn.info.backend_pid])
        return Response("ok")

    httpserver.expect_ordered_request("/hook").respond_with_handler(take)
    slack(httpserver, 200)
    with pytest.raises(postgres.AWAY):
        sender.send_one(conn)
    with postgres.connect(database, autocommit=True) as back:
        assert rows(back)[0] == (1, "pending", 0)
        sender.send_one(back)
        assert rows(back)[:2] == [(1, "sent", 1), (2, "sent", 1)]
    assert len(httpserver.log) == 2


def test_a_postgres_that_only_reads_is_an_outage_and_costs_no_second_message(
    httpserver: HTTPServer, conn: psycopg.Connection, sender: Sender
) -> None:
    slack(httpserver, 200)
    conn.execute("SET default_transaction_read_only = on")
    for _ in range(2):
        with pytest.raises(postgres.AWAY):
            sender.send_one(conn)
    assert len(httpserver.log) == 1


def test_without_a_webhook_messages_stay(conn: psycopg.Connection) -> None:
    with httpx.Client() as client:
        assert Sender(client, None).send_one(conn) is None
    assert {status for _, status, _ in rows(conn)} == {"pending"}


def test_two_notifiers_never_send_from_one_outbox(database: Settings, conn: psycopg.Connection) -> None:
    assert outbox.only_notifier(conn)
    with pytest.raises(AlreadyRunning, match="once"):
        notifier.serve(database, Stop(), once=True)
