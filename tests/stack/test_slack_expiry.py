"""A webhook that is set late does not announce the past: before the first success, messages expire after a day."""

import pytest

from lakehouse.settings import Settings
from lakehouse.slack import notifier, outbox
from lakehouse.slack.dispatcher import Sender
from lakehouse.source import postgres
from stack.activity_events import insert_and_enqueue, quoted_ids, statuses
from support.fake_slack import Answer, FakeSlack


@pytest.fixture
def conn(live_conn: postgres.Connection) -> postgres.Connection:
    insert_and_enqueue(live_conn, 1, 2, 3)
    return live_conn


def age(conn: postgres.Connection, column: str, interval: str, *activity_ids: int) -> None:
    statement = "UPDATE ops.slack_outbox SET {column} = {column} - %s::interval WHERE activity_id = ANY(%s)"
    named = postgres.sql.SQL(statement).format(column=postgres.sql.Identifier(column))
    conn.execute(named, [interval, [*activity_ids]])


def send_all(sender: Sender, conn: postgres.Connection) -> None:
    while sender.send_one(conn) is not None:
        pass


@pytest.mark.parametrize("column", ["enqueued_at", "committed_at"])
def test_messages_older_than_a_day_expire_where_nothing_was_ever_sent(
    own_slack: FakeSlack, sender: Sender, conn: postgres.Connection, column: str
) -> None:
    age(conn, column, "25 hours", 1, 2)
    age(conn, column, "23 hours", 3)
    send_all(sender, conn)
    assert statuses(conn) == {1: "expired", 2: "expired", 3: "sent"}
    assert quoted_ids(own_slack.texts) == [3]
    assert "older than a day" in str(outbox.list_messages(conn)[0][2])


def test_messages_older_than_a_day_are_sent_where_one_was_sent_before(
    own_slack: FakeSlack, sender: Sender, conn: postgres.Connection
) -> None:
    sender.send_one(conn)
    age(conn, "enqueued_at", "9 days", 1, 2, 3)
    send_all(sender, conn)
    assert statuses(conn) == {1: "sent", 2: "sent", 3: "sent"}
    assert quoted_ids(own_slack.texts) == [1, 2, 3]


def test_old_message_that_no_longer_holds_is_withdrawn_rather_than_expired(
    sender: Sender, conn: postgres.Connection
) -> None:
    age(conn, "enqueued_at", "2 days", 1, 2, 3)
    conn.execute("DELETE FROM strava_activities WHERE activity_id = 2")
    send_all(sender, conn)
    assert statuses(conn) == {1: "expired", 2: "withdrawn", 3: "expired"}


def test_dead_letters_that_somebody_retries_do_not_expire_by_their_old_age(
    own_slack: FakeSlack, sender: Sender, conn: postgres.Connection
) -> None:
    own_slack.expect(*[Answer(400, b"invalid_payload")] * 3)
    send_all(sender, conn)
    age(conn, "enqueued_at", "2 days", 1, 2, 3)
    assert outbox.retry_dead_letters(conn) == 3
    age(conn, "retried_at", "25 hours", 1)
    send_all(sender, conn)
    assert statuses(conn) == {1: "expired", 2: "sent", 3: "sent"}


def test_show_counts_the_messages_of_each_status_and_prints_reasons(
    own_slack: FakeSlack,
    sender: Sender,
    conn: postgres.Connection,
    database: Settings,
    capsys: pytest.CaptureFixture[str],
) -> None:
    insert_and_enqueue(conn, 4, 5)
    age(conn, "enqueued_at", "2 days", 1)
    conn.execute("DELETE FROM strava_activities WHERE activity_id = 2")
    own_slack.expect(Answer(400, b"invalid_payload"), Answer(), Answer(503, b"later"))
    send_all(sender, conn)
    capsys.readouterr()  # the log
    notifier.show(database)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["expired", "withdrawn", "dead_letter", "sent", "pending", "pending"]
    assert lines[1] == "withdrawn   activity 2   [deleted: the activity, or its employee and so the activity]"
    assert lines[2].endswith("[400 invalid_payload]")
    assert lines[-1] == "pending 1, sent 1, dead_letter 1, withdrawn 1, expired 1"
