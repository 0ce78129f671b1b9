"""The sender of the outbox's messages, in their order."""

import time
from collections.abc import Callable

from pydantic import SecretStr

from lakehouse.http_session import HttpSession
from lakehouse.logs import logger
from lakehouse.slack import outbox, webhook
from lakehouse.source.postgres import Connection

# Slack accepts short bursts, else about one message a second. Send at full speed until a 429, then at this interval.
RATE_LIMIT_INTERVAL_S = 1.0

log = logger("slack")


class Sender:
    """A sender of one message at a time, the oldest first; one that waits for its retry blocks those after it.

    It outlives its Postgres connections, so that the rate limit and an unsaved response survive a reconnection.
    """

    def __init__(
        self, session: HttpSession, webhook_url: SecretStr | None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._session, self._url, self._clock = session, webhook_url, clock
        self._interval = 0.0
        self._not_before = 0.0
        self._unsaved_response: tuple[outbox.PendingMessage, webhook.SlackResponse] | None = None
        if webhook_url is None:
            log.warning("slack_webhook_url_not_set", hint="messages stay in the outbox; `make slack` shows them")

    def send_one(self, conn: Connection) -> float | None:
        """Send the next message if it is due, and return the seconds until the next one may be sent.

        Returns None where nothing is to be sent: no message is pending, or the next one waits for its retry.
        The same without a webhook URL.
        """
        if self._url is None:
            return None
        self._save_response(conn)
        if (remaining := self._not_before - self._clock()) > 0:
            return remaining
        pending = outbox.next_pending(conn)
        if pending is None or pending.due_in > 0:
            return None
        response = webhook.post(self._session, self._url.get_secret_value(), pending.message)
        self._unsaved_response = pending, response
        if response.retry_after is not None:
            self._interval = RATE_LIMIT_INTERVAL_S
        self._not_before = self._clock() + self._interval
        self._save_response(conn)
        return self._interval

    def _save_response(self, conn: Connection) -> None:
        """Save Slack's last response. One that Postgres could not store is saved before another message is sent."""
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
