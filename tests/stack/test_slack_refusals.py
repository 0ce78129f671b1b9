"""A refusal of the webhook makes everything wait; a refusal of one message sets that message aside alone."""

from collections.abc import Callable

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from lakehouse.http_session import external_session
from lakehouse.slack import outbox, webhook
from lakehouse.slack.dispatcher import Sender
from lakehouse.source import postgres
from stack.activity_events import insert_and_enqueue, quoted_ids, statuses
from support.fake_slack import Answer, FakeSlack

UNKNOWN = Answer(418, b"short and stout")


@pytest.fixture
def conn(live_conn: postgres.Connection) -> postgres.Connection:
    insert_and_enqueue(live_conn, 1, 2, 3, 4)
    return live_conn


def send_all(sender: Sender, conn: postgres.Connection) -> list[EventDict]:
    """Send until nothing is due, and return what was logged."""
    with capture_logs() as logs:
        while sender.send_one(conn) is not None:
            pass
    return logs


def end_pause(conn: postgres.Connection) -> None:
    conn.execute("UPDATE ops.slack_outbox SET next_attempt_at = now() WHERE status = 'pending'")


def refuse_ids(*refused: int, answer: Answer = UNKNOWN) -> Callable[[str], Answer]:
    """Return a Slack's answers that refuses the messages of these activities."""
    return lambda text: answer if quoted_ids([text])[0] in refused else Answer()


@pytest.mark.parametrize(
    "answer",
    [
        Answer(404, b"no_service"),
        Answer(403, b"invalid_token"),
        Answer(410, b"channel_is_archived"),
        Answer(404, b"channel_not_found"),
        Answer(403, b"action_prohibited"),
        Answer(403, b"team_disabled"),
        Answer(400, b"no_service"),
        Answer(401, b""),
        Answer(403, b"Forbidden"),
        Answer(404, b"<html>not found</html>"),
        Answer(410, b"gone"),
    ],
    ids=lambda answer: f"{answer.status} {answer.body.decode()}",
)
def test_messages_wait_while_the_webhook_is_gone_and_go_out_once_it_is_mended(
    conn: postgres.Connection, answer: Answer
) -> None:
    with FakeSlack(lambda _: answer) as gone, external_session() as session:
        sender = Sender(session, gone.webhook)
        pauses = []
        for _ in range(3):
            logs = send_all(sender, conn)
            assert [line["event"] for line in logs] == ["webhook_refused"]
            assert "SLACK_WEBHOOK_URL" in logs[0]["hint"]
            pauses.append(logs[0]["retry_in_s"])
            end_pause(conn)
        assert pauses == [1, 2, 4]
        assert gone.posted == 3
    assert set(statuses(conn).values()) == {"pending"}
    with FakeSlack() as mended, external_session() as session:
        send_all(Sender(session, mended.webhook), conn)
        assert quoted_ids(mended.texts) == [1, 2, 3, 4]


@pytest.mark.parametrize("body", sorted(webhook.MESSAGE_ERRORS))
def test_message_that_slack_cannot_read_is_a_dead_letter_and_the_others_are_sent(
    conn: postgres.Connection, body: str
) -> None:
    with (
        FakeSlack(refuse_ids(1, 3, answer=Answer(400, body.encode()))) as picky,
        external_session() as session,
    ):
        send_all(Sender(session, picky.webhook), conn)
        assert quoted_ids(picky.texts) == [2, 4]
    assert statuses(conn) == {1: "dead_letter", 2: "sent", 3: "dead_letter", 4: "sent"}


def test_message_with_an_unknown_refusal_is_a_dead_letter_where_the_next_is_sent(
    own_slack: FakeSlack, sender: Sender, conn: postgres.Connection
) -> None:
    own_slack.expect(UNKNOWN)
    send_all(sender, conn)
    assert statuses(conn) == {1: "dead_letter", 2: "sent", 3: "sent", 4: "sent"}
    assert quoted_ids(own_slack.texts) == [2, 3, 4]
    assert own_slack.posted == 4
    assert outbox.list_messages(conn)[0][2] == "418 short and stout"


@pytest.mark.parametrize(
    "second", [UNKNOWN, Answer(404, b"no_service"), Answer(503, b"later"), Answer(429, b"rate_limited", "0")]
)
def test_all_wait_in_order_where_the_next_is_not_sent_either(
    own_slack: FakeSlack, sender: Sender, conn: postgres.Connection, second: Answer
) -> None:
    own_slack.expect(UNKNOWN, second)
    sender.send_one(conn)
    sender.send_one(conn)
    assert own_slack.posted == 2
    assert set(statuses(conn).values()) == {"pending"}


def test_messages_that_waited_for_an_unknown_refusal_go_out_in_their_order(
    own_slack: FakeSlack, sender: Sender, conn: postgres.Connection
) -> None:
    own_slack.expect(UNKNOWN, UNKNOWN)
    send_all(sender, conn)
    assert set(statuses(conn).values()) == {"pending"}
    end_pause(conn)
    send_all(sender, conn)
    assert quoted_ids(own_slack.texts) == [1, 2, 3, 4]


def test_several_messages_with_an_unknown_refusal_do_not_hold_up_the_others_for_ever(
    conn: postgres.Connection,
) -> None:
    with FakeSlack(refuse_ids(1, 2, 3)) as picky, external_session() as session:
        sender = Sender(session, picky.webhook)
        for _ in range(8):
            send_all(sender, conn)
            end_pause(conn)
        assert quoted_ids(picky.texts) == [4]
        insert_and_enqueue(conn, 5, 6)
        for _ in range(4):
            send_all(sender, conn)
            end_pause(conn)
        assert quoted_ids(picky.texts) == [4, 5, 6]
    assert statuses(conn) == {1: "dead_letter", 2: "dead_letter", 3: "dead_letter", 4: "sent", 5: "sent", 6: "sent"}


def test_rate_limit_of_the_next_message_holds_back_the_refused_one_too(
    own_slack: FakeSlack, sender: Sender, conn: postgres.Connection
) -> None:
    own_slack.expect(UNKNOWN, Answer(429, b"rate_limited", "30"))
    sender.send_one(conn)
    sender.send_one(conn)
    pending = outbox.next_pending(conn)
    assert pending is not None
    assert pending.activity_id == 1
    assert pending.due_in == pytest.approx(30, abs=2)


def test_only_message_with_an_unknown_refusal_waits(
    own_slack: FakeSlack, sender: Sender, live_conn: postgres.Connection
) -> None:
    insert_and_enqueue(live_conn, 1)
    own_slack.expect(UNKNOWN)
    send_all(sender, live_conn)
    assert statuses(live_conn) == {1: "pending"}
    insert_and_enqueue(live_conn, 2)
    end_pause(live_conn)
    own_slack.expect(UNKNOWN)
    send_all(sender, live_conn)
    assert statuses(live_conn) == {1: "dead_letter", 2: "sent"}


def test_retried_dead_letters_are_sent_in_their_order_and_only_if_their_rules_still_hold(
    own_slack: FakeSlack, sender: Sender, conn: postgres.Connection
) -> None:
    own_slack.expect(*[Answer(400, b"invalid_payload")] * 4)
    send_all(sender, conn)
    conn.execute("UPDATE strava_activities SET private = true WHERE activity_id = 2")
    conn.execute("DELETE FROM strava_activities WHERE activity_id = 3")
    insert_and_enqueue(conn, 5)
    assert outbox.retry_dead_letters(conn) == 4
    send_all(sender, conn)
    assert quoted_ids(own_slack.texts) == [1, 4, 5]
    assert statuses(conn) == {1: "sent", 2: "withdrawn", 3: "withdrawn", 4: "sent", 5: "sent"}
