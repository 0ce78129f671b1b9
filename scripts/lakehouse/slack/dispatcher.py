"""Sends the outbox's messages, in order."""

import time
from collections.abc import Callable

import httpx
import psycopg
from pydantic import SecretStr

from lakehouse.logs import logger
from lakehouse.slack import outbox, webhook

# Slack admits about one message a second and short bursts. We burst until it says 429, then keep its pace.
RATE_LIMIT_INTERVAL_S = 1.0

log = logger("slack")


class Sender:
    """One message at a time, the oldest first; none goes before one that waits.

    It outlives its connections to Postgres: so it keeps Slack's pace, and notes later what it could not note.
    """

    def __init__(
        self, client: httpx.Client, webhook_url: SecretStr | None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client, self._url, self._clock = client, webhook_url, clock
        self._interval = 0.0
        self._not_before = 0.0
        self._unsaved_response: tuple[outbox.PendingMessage, webhook.SlackResponse] | None = None
        if webhook_url is None:
            log.warning("slack_webhook_url_not_set", hint="messages stay in the outbox; `make slack` shows them")

    def send_one(self, conn: psycopg.Connection) -> float | None:
        """Send the next message if it is due. Give the seconds until there may be something to send; None: nothing is.

        What waits for its time counts as something, unless it waits for Slack to recover.
        """
        if self._url is None:
            return None
        self._save_response(conn)
        if (remaining := self._not_before - self._clock()) > 0:
            return remaining
        pending = outbox.next_pending(conn)
        if pending is None or pending.due_in > 0:
            return None
        response = webhook.post(self._client, self._url.get_secret_value(), pending.message)
        self._unsaved_response = pending, response
        if response.retry_after is not None:
            self._interval = RATE_LIMIT_INTERVAL_S
        self._not_before = self._clock() + self._interval
        self._save_response(conn)
        return self._interval

    def _save_response(self, conn: psycopg.Connection) -> None:
        """Note what Slack answered last; what Postgres did not take is noted before anything else is sent."""
        if self._unsaved_response is None:
            return
        pending, response = self._unsaved_response
        if response.outcome == "sent":
            outbox.mark_sent(conn, pending, response.text)
            log.info("message_sent", activity_id=pending.activity_id)
        elif response.outcome == "dead_letter":
            outbox.mark_dead(conn, pending, response.text)
            log.error("message_dead_lettered", activity_id=pending.activity_id, response=response.text)
        else:
            seconds = outbox.schedule_retry(conn, pending, response.text, response.retry_after)
            log.warning(
                "message_retry_scheduled", activity_id=pending.activity_id, response=response.text, retry_in_s=seconds
            )
        self._unsaved_response = None
