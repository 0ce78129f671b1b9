"""After a day's outage the backlog drains in order and at Slack's pace, each message once."""

import json
from collections.abc import Iterator
from unittest.mock import patch

import httpx
import psycopg
import pytest
from pydantic import SecretStr

from lakehouse.settings import Settings
from lakehouse.slack import notifier, outbox, sender
from lakehouse.slack.sender import Sender
from lakehouse.source import postgres
from stack.activities import employ, go_live, numbered, polled

BACKLOG, POLLED = 10_000, 500
BURST, REFUSED_FOR = 50, 30.0


class Clock:
    """The time as the sender sees it: nobody waits for the hours that 10,000 messages take."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now


class Slack:
    """Admits a burst, then refuses for a while, then admits one message a second and no more."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._open_from = clock, 0.0
        self.taken: list[int] = []
        self.refused = 0

    def answer(self, request: httpx.Request) -> httpx.Response:
        if self._clock.now < self._open_from:
            return self._refuse(self._open_from - self._clock.now)
        if len(self.taken) == BURST and not self.refused:
            return self._refuse(REFUSED_FOR)
        if self.refused:
            self._open_from = self._clock.now + sender.PACE
        self.taken.append(int(json.loads(request.content)["text"].split('"')[1]))
        return httpx.Response(200, text="ok")

    def _refuse(self, seconds: float) -> httpx.Response:
        self.refused += 1
        self._open_from = self._clock.now + seconds
        return httpx.Response(429, headers={"Retry-After": str(seconds)})


@pytest.fixture
def conn(database: Settings) -> Iterator[psycopg.Connection]:
    with postgres.connect(database, autocommit=True) as conn:
        employ(conn, 10)
        go_live(conn)
        yield conn


@pytest.fixture
def clock() -> Iterator[Clock]:
    with patch.object(sender, "time", Clock()) as clock:
        yield clock


def pass_time(conn: psycopg.Connection, clock: Clock, seconds: float) -> None:
    clock.now += seconds
    conn.execute(
        "UPDATE ops.slack_outbox SET next_attempt_at = next_attempt_at - make_interval(secs => %s) "
        "WHERE status = 'pending' AND next_attempt_at > now()",
        [seconds],
    )


@pytest.mark.long
def test_a_days_backlog_drains_oldest_first_each_once_and_at_slacks_pace(
    conn: psycopg.Connection, clock: Clock
) -> None:
    slack = Slack(clock)
    owed = [BACKLOG - n for n in range(BACKLOG)]  # newest ids first: it is not they that make the order
    for first in range(0, BACKLOG, POLLED):
        notifier.take_in(conn, polled(map(numbered, owed[first : first + POLLED])))
    with httpx.Client(transport=httpx.MockTransport(slack.answer)) as client:
        sending = Sender(client, SecretStr("http://slack.test/hook"))
        while outbox.first(conn):
            wait = sending.send_one(conn)
            pass_time(conn, clock, notifier.LONGEST_POLL if wait is None else wait)
    assert slack.taken == owed
    assert slack.refused == 1
    assert clock.now == pytest.approx(REFUSED_FOR + BACKLOG - BURST, abs=2)
