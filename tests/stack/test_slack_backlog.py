"""After an outage the backlog drains in order and at Slack's pace, each message once."""

from dataclasses import dataclass
from functools import partial
from http import HTTPStatus

import pytest
from pydantic import SecretStr

from lakehouse.contracts import STRAVA_ACTIVITIES
from lakehouse.http_session import external_session
from lakehouse.retries import wait_until
from lakehouse.slack import dispatcher, notifier, outbox
from lakehouse.slack.dispatcher import Sender
from lakehouse.source import postgres
from stack.activity_events import (
    insert_activities,
    insert_activity,
    insert_employee,
    insert_go_live,
    numbered_event,
    poll_result,
    quoted_ids,
)
from stack.cdc_harness import HarnessFactory
from stack.service_thread import run_service
from support.fake_slack import Answer, FakeSlack, RateLimited
from support.http_adapter import FunctionAdapter
from support.timing import seconds

POLL_SIZE = 500
BURST_SIZE, RETRY_AFTER_S = 50, 30.0
CAPTURED_COUNT = 30


class Clock:
    """The time as the sender sees it: nobody waits for the hours that a day's messages take."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now


@dataclass
class Outage:
    """A Slack that answers 503 until the outage is over."""

    over: bool = False

    def __call__(self, _text: str) -> Answer:
        return Answer() if self.over else Answer(HTTPStatus.SERVICE_UNAVAILABLE, b"unavailable")


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
    insert_activities(live_conn, activity_ids)
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
    assert quoted_ids(slack.texts) == activity_ids
    assert rate_limit.refused == 1
    assert clock.now == pytest.approx(RETRY_AFTER_S + count - BURST_SIZE, abs=2)


def test_activities_inserted_in_a_slack_outage_are_sent_in_commit_order_once(make_harness: HarnessFactory) -> None:
    """Go all the way: Postgres, Debezium, Kafka, the notifier's loop, HTTP. Half of them wait for the notifier too."""
    harness = make_harness([STRAVA_ACTIVITIES])
    [activities] = harness.contracts
    activity_ids = [*range(CAPTURED_COUNT, 0, -1)]  # the newest id first: ids do not make the order
    early, late = activity_ids[: CAPTURED_COUNT // 2], activity_ids[CAPTURED_COUNT // 2 :]
    harness.register_connector()
    wait_until(harness.is_streaming, timeout=seconds(60), missing="the connector to read its slot")
    outage = Outage()
    with FakeSlack(outage) as slack, postgres.connect(harness.settings, autocommit=True) as conn:

        def attempts_by_status(status: str) -> list[int]:
            query = "SELECT attempts FROM ops.slack_outbox WHERE status = %s ORDER BY enqueued_at"
            return [attempts for (attempts,) in conn.execute(query, [status])]

        insert_employee(conn, 10)
        insert_go_live(conn)
        for activity_id in early:
            insert_activity(conn, activity_id)
        settings = harness.settings.model_copy(update={"slack_webhook_url": slack.webhook})
        with run_service(partial(notifier.serve, topic=activities.topic), settings):
            for activity_id in late:
                insert_activity(conn, activity_id)
            wait_until(
                lambda: len(attempts_by_status("pending")) == CAPTURED_COUNT and slack.posted,
                timeout=seconds(60),
                missing="the backlog in the outbox, and a message that Slack refused",
            )
            assert slack.texts == []
            outage.over = True
            wait_until(
                lambda: len(attempts_by_status("sent")) == CAPTURED_COUNT,
                timeout=seconds(60),
                missing="the backlog to be sent",
            )
        assert quoted_ids(slack.texts) == activity_ids
        first, *others = attempts_by_status("sent")
        assert first > 1
        assert others == [1] * (CAPTURED_COUNT - 1)
