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
    """One message at a time, the oldest first; none goes before one that waits."""

    def __init__(self, conn: psycopg.Connection, client: httpx.Client, webhook_url: SecretStr | None) -> None:
        self._conn, self._client, self._url = conn, client, webhook_url
        self._pace = 0.0
        self._not_before = 0.0
        if webhook_url is None:
            log.warning("SLACK_WEBHOOK_URL is not set: messages stay in the outbox, `make slack` shows them")

    def send_one(self) -> float | None:
        """Send the next message if it is due. Give the seconds until there may be something to send; None: nothing is.

        What waits for its time counts as something, unless it waits for Slack to recover.
        """
        if self._url is None:
            return None
        if (early := self._not_before - time.monotonic()) > 0:
            return early
        pending = outbox.first(self._conn)
        if pending is None or pending.due_in > 0:
            return None
        self._deliver(pending, webhook.post(self._client, self._url.get_secret_value(), pending.message))
        return self._pace

    def _deliver(self, pending: outbox.Pending, answer: webhook.Answer) -> None:
        if answer.outcome == "sent":
            outbox.sent(self._conn, pending, answer.says)
            log.info("message sent", activity_id=pending.activity_id)
        elif answer.outcome == "set_aside":
            outbox.set_aside(self._conn, pending, answer.says)
            log.error("Slack refuses this message: set aside", activity_id=pending.activity_id, answer=answer.says)
        else:
            seconds = outbox.again(self._conn, pending, answer.says, answer.wait)
            log.warning("Slack is not ready", activity_id=pending.activity_id, answer=answer.says, next_try_in=seconds)
        if answer.wait is not None:
            self._pace = PACE
        self._not_before = time.monotonic() + self._pace
