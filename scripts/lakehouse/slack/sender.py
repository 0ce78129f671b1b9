"""Sends the outbox's messages, in order."""

import time

import httpx
import psycopg
from pydantic import SecretStr

from lakehouse.logs import logger
from lakehouse.slack import outbox, webhook

# Slack admits about one message a second and short bursts. We burst until it says 429, then keep its pace.
PACE = 1.0

log = logger("slack")


class Sender:
    """One message at a time, the oldest first; none goes before one that waits.

    It outlives its connections to Postgres: so it keeps Slack's pace, and notes later what it could not note.
    """

    def __init__(self, client: httpx.Client, webhook_url: SecretStr | None) -> None:
        self._client, self._url = client, webhook_url
        self._pace = 0.0
        self._not_before = 0.0
        self._answered: tuple[outbox.Pending, webhook.Answer] | None = None
        if webhook_url is None:
            log.warning("SLACK_WEBHOOK_URL is not set: messages stay in the outbox, `make slack` shows them")

    def send_one(self, conn: psycopg.Connection) -> float | None:
        """Send the next message if it is due. Give the seconds until there may be something to send; None: nothing is.

        What waits for its time counts as something, unless it waits for Slack to recover.
        """
        if self._url is None:
            return None
        self._note(conn)
        if (early := self._not_before - time.monotonic()) > 0:
            return early
        pending = outbox.first(conn)
        if pending is None or pending.due_in > 0:
            return None
        answer = webhook.post(self._client, self._url.get_secret_value(), pending.message)
        self._answered = pending, answer
        if answer.wait is not None:
            self._pace = PACE
        self._not_before = time.monotonic() + self._pace
        self._note(conn)
        return self._pace

    def _note(self, conn: psycopg.Connection) -> None:
        """Note what Slack answered last; what Postgres did not take is noted before anything else is sent."""
        if self._answered is None:
            return
        pending, answer = self._answered
        if answer.outcome == "sent":
            outbox.sent(conn, pending, answer.says)
            log.info("message sent", activity_id=pending.activity_id)
        elif answer.outcome == "set_aside":
            outbox.set_aside(conn, pending, answer.says)
            log.error("Slack refuses this message: set aside", activity_id=pending.activity_id, answer=answer.says)
        else:
            seconds = outbox.again(conn, pending, answer.says, answer.wait)
            log.warning("Slack is not ready", activity_id=pending.activity_id, answer=answer.says, next_try_in=seconds)
        self._answered = None
