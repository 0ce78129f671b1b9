"""The outbox is sent in order and each message once, whatever Slack responds."""

from collections.abc import Iterator

import pytest

from lakehouse.errors import LockHeld
from lakehouse.http_session import external_session
from lakehouse.retries import StopSignal
from lakehouse.settings import Settings
from lakehouse.slack import notifier, outbox
from lakehouse.slack.dispatcher import Sender
from lakehouse.source import postgres
from stack.activity_events import insert_and_enqueue
from support.fake_slack import Answer, FakeSlack, refuse


@pytest.fixture
def conn(live_conn: postgres.Connection) -> postgres.Connection:
    insert_and_enqueue(live_conn, 1, 2, 3)
    return live_conn


@pytest.fixture
def strict_slack() -> Iterator[FakeSlack]:
    """Yield a Slack that accepts what the test expects, and nothing else."""
    with FakeSlack(refuse) as slack:
        yield slack


@pytest.fixture
def sender(strict_slack: FakeSlack) -> Iterator[Sender]:
    with external_session() as session:
        yield Sender(session, strict_slack.webhook)


def expect_responses(strict_slack: FakeSlack, *statuses: int, retry_after: str = "1") -> None:
    strict_slack.expect(*(Answer(status, b"so", retry_after if status == 429 else None) for status in statuses))


def outbox_rows(conn: postgres.Connection) -> list[tuple[int, str, int]]:
    return conn.execute("SELECT activity_id, status, attempts FROM ops.slack_outbox ORDER BY enqueued_at").fetchall()


def test_pending_messages_are_sent_at_once_in_order(
    strict_slack: FakeSlack, conn: postgres.Connection, sender: Sender
) -> None:
    expect_responses(strict_slack, 200, 200, 200)
    assert [sender.send_one(conn) for _ in range(4)] == [0.0, 0.0, 0.0, None]
    assert outbox_rows(conn) == [(1, "sent", 1), (2, "sent", 1), (3, "sent", 1)]
    assert strict_slack.texts == [text for _, text, _ in outbox.list_messages(conn)]


def test_slack_outage_holds_the_queue_and_loses_nothing(
    strict_slack: FakeSlack, conn: postgres.Connection, sender: Sender
) -> None:
    expect_responses(strict_slack, 500)
    sender.send_one(conn)
    assert sender.send_one(conn) is None
    assert outbox_rows(conn) == [(1, "pending", 1), (2, "pending", 0), (3, "pending", 0)]
    conn.execute("UPDATE ops.slack_outbox SET next_attempt_at = now()")
    expect_responses(strict_slack, 200, 200, 200)
    assert [sender.send_one(conn) for _ in range(4)] == [0.0, 0.0, 0.0, None]
    assert outbox_rows(conn) == [(1, "sent", 2), (2, "sent", 1), (3, "sent", 1)]


def test_slack_retry_delay_grows_with_each_failure(
    strict_slack: FakeSlack, conn: postgres.Connection, sender: Sender
) -> None:
    delays = []
    for _ in range(3):
        expect_responses(strict_slack, 503)
        conn.execute("UPDATE ops.slack_outbox SET next_attempt_at = now()")
        sender.send_one(conn)
        pending = outbox.next_pending(conn)
        assert pending is not None
        delays.append(round(pending.due_in))
    assert delays == [1, 2, 4]


def test_429_waits_for_retry_after_and_slows_down(
    strict_slack: FakeSlack, conn: postgres.Connection, sender: Sender
) -> None:
    expect_responses(strict_slack, 429, retry_after="30")
    assert sender.send_one(conn) == pytest.approx(1.0)
    assert outbox_rows(conn)[0] == (1, "pending", 1)
    pending = outbox.next_pending(conn)
    assert pending is not None
    assert pending.due_in == pytest.approx(30, abs=2)
    early = sender.send_one(conn)
    assert early is not None
    assert 0 < early <= 1


def test_message_refused_by_slack_is_dead_lettered_and_the_next_one_is_sent(
    strict_slack: FakeSlack, conn: postgres.Connection, sender: Sender
) -> None:
    strict_slack.expect(Answer(400, b"invalid_payload"), Answer())
    sender.send_one(conn)
    sender.send_one(conn)
    assert outbox_rows(conn)[:2] == [(1, "dead_letter", 1), (2, "sent", 1)]
    assert outbox.list_messages(conn)[0][2] == "400 invalid_payload"


def test_message_sent_during_a_postgres_outage_is_not_sent_again(
    strict_slack: FakeSlack, conn: postgres.Connection, sender: Sender, database: Settings
) -> None:
    def accept_and_disconnect(_: str) -> Answer:
        with postgres.connect(database, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s)", [conn.info.backend_pid])
        return Answer()

    strict_slack.expect(accept_and_disconnect)
    expect_responses(strict_slack, 200)
    with pytest.raises(postgres.TRANSIENT_ERRORS):
        sender.send_one(conn)
    with postgres.connect(database, autocommit=True) as reconnected:
        assert outbox_rows(reconnected)[0] == (1, "pending", 0)
        sender.send_one(reconnected)
        assert outbox_rows(reconnected)[:2] == [(1, "sent", 1), (2, "sent", 1)]
    assert strict_slack.posted == 2


def test_read_only_postgres_is_an_outage_and_sends_no_message_twice(
    strict_slack: FakeSlack, conn: postgres.Connection, sender: Sender
) -> None:
    expect_responses(strict_slack, 200)
    conn.execute("SET default_transaction_read_only = on")
    for _ in range(2):
        with pytest.raises(postgres.TRANSIENT_ERRORS):
            sender.send_one(conn)
    assert strict_slack.posted == 1


def test_without_a_webhook_messages_stay_pending(conn: postgres.Connection) -> None:
    with external_session() as session:
        assert Sender(session, None).send_one(conn) is None
    assert {status for _, status, _ in outbox_rows(conn)} == {"pending"}


def test_second_notifier_on_one_outbox_is_refused(database: Settings, conn: postgres.Connection) -> None:
    assert outbox.try_lock(conn)
    with pytest.raises(LockHeld, match="once"):
        notifier.serve(database, StopSignal(), once=True)
