"""After a day's outage the backlog drains in order and at Slack's pace, each message once."""

import pytest
from pydantic import SecretStr

from lakehouse.http_session import external_session
from lakehouse.slack import dispatcher, notifier, outbox
from lakehouse.slack.dispatcher import Sender
from lakehouse.source import postgres
from stack.activity_events import numbered_event, poll_result
from support.fake_slack import FakeSlack, RateLimited
from support.http_adapter import FunctionAdapter

POLL_SIZE = 500
BURST_SIZE, RETRY_AFTER_S = 50, 30.0


class Clock:
    """The time as the sender sees it: nobody waits for the hours that a day's messages take."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now


def pass_time(conn: postgres.Connection, clock: Clock, seconds: float) -> None:
    clock.now += seconds
    conn.execute(
        "UPDATE ops.slack_outbox SET next_attempt_at = next_attempt_at - make_interval(secs => %s) "
        "WHERE status = 'pending' AND next_attempt_at > now()",
        [seconds],
    )


@pytest.mark.parametrize("count", [1_000, pytest.param(10_000, marks=pytest.mark.long)])
def test_slack_backlog_is_sent_oldest_first_once_and_within_the_rate_limit(
    live_conn: postgres.Connection, count: int
) -> None:
    clock = Clock()
    rate_limit = RateLimited(clock.monotonic, BURST_SIZE, RETRY_AFTER_S, dispatcher.RATE_LIMIT_INTERVAL_S)
    slack = FakeSlack(rate_limit)
    activity_ids = [count - n for n in range(count)]  # newest ids first: it is not they that make the order
    for first in range(0, count, POLL_SIZE):
        notifier.enqueue_from_topic(
            live_conn, poll_result(map(numbered_event, activity_ids[first : first + POLL_SIZE]))
        )
    with external_session() as session:
        session.mount("http://slack.test/", FunctionAdapter(slack.respond))
        sending = Sender(session, SecretStr("http://slack.test/hook"), clock.monotonic)
        while outbox.next_pending(live_conn):
            wait = sending.send_one(live_conn)
            pass_time(live_conn, clock, notifier.MAX_POLL_S if wait is None else wait)
    assert [int(text.split('"')[1]) for text in slack.texts] == activity_ids
    assert rate_limit.refused == 1
    assert clock.now == pytest.approx(RETRY_AFTER_S + count - BURST_SIZE, abs=2)
