"""The sender of the outbox's messages, in their order."""

import time
from collections.abc import Callable

from pydantic import SecretStr

from lakehouse.http_session import HttpSession
from lakehouse.logs import logger
from lakehouse.slack import outbox, webhook
from lakehouse.slack.outbox import Closure, PendingMessage
from lakehouse.slack.webhook import SlackResponse
from lakehouse.source.postgres import Connection

# Slack accepts short bursts, else about one message a second. Send at full speed until a 429, then at this interval.
RATE_LIMIT_INTERVAL_S = 1.0
WEBHOOK_HINT = "all messages wait; check SLACK_WEBHOOK_URL, its app and its channel in Slack"

log = logger("slack")


class Sender:
    """A sender of one message at a time, the oldest first; one that waits for its retry blocks those after it.

    Where a refusal does not say what it is about, the next message is tried: Slack accepts it, and the refusal was
    about the message; or Slack does not, and all wait.

    It outlives its Postgres connections, so that the rate limit and an unsaved response survive a reconnection.
    """

    def __init__(
        self, session: HttpSession, webhook_url: SecretStr | None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._session, self._url, self._clock = session, webhook_url, clock
        self._interval = 0.0
        self._not_before = 0.0
        self._unsaved_response: tuple[PendingMessage, SlackResponse] | None = None
        # The message whose refusal the next one explains.
        self._suspect: PendingMessage | None = None
        # Messages with an ambiguous refusal since the last success: none of them can explain another's.
        self._refused: set[int] = set()
        if webhook_url is None:
            log.warning("slack_webhook_url_not_set", hint="messages stay in the outbox; `make slack` shows them")

    def send_one(self, conn: Connection) -> float | None:
        """Send or close the next message if it is due. Return the seconds until another may be sent.

        Returns None where nothing is to be sent: no message is pending, or the next one waits for its retry.
        The same without a webhook URL.
        """
        if self._url is None:
            return None
        self._save_response(conn)
        if (remaining := self._not_before - self._clock()) > 0:
            return remaining
        pending = outbox.next_pending(conn, self._refused if self._suspect else ())
        if pending is None or pending.due_in > 0:
            self._suspect = None
            return None
        if pending.closure:
            _close(conn, pending, pending.closure)
            return 0.0
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
        with conn.transaction():
            if response.outcome == "sent":
                self._save_success(conn, pending, response)
            elif response.outcome == "dead_letter":
                outbox.mark_dead(conn, pending, response.text)
                log.error("message_dead_lettered", activity_id=pending.activity_id, response=response.text)
            else:
                self._save_failure(conn, pending, response)
        self._unsaved_response = None
        self._remember_refusal(pending, response)

    def _save_success(self, conn: Connection, pending: PendingMessage, response: SlackResponse) -> None:
        outbox.mark_sent(conn, pending, response.text)
        log.info("message_sent", activity_id=pending.activity_id)
        if self._suspect:
            outbox.mark_refused_dead(conn, self._suspect)
            log.error("message_dead_lettered", activity_id=self._suspect.activity_id, reason="the next one was sent")

    def _save_failure(self, conn: Connection, pending: PendingMessage, response: SlackResponse) -> None:
        seconds = outbox.schedule_retry(conn, pending, response.text, response.retry_after, self._suspect)
        fields = {"activity_id": pending.activity_id, "response": response.text, "retry_in_s": seconds}
        if response.outcome == "webhook_refused":
            log.error("webhook_refused", hint=WEBHOOK_HINT, **fields)
        elif response.outcome == "retry":
            log.warning("message_retry_scheduled", **fields)
        elif self._suspect:
            log.error("messages_refused", hint=WEBHOOK_HINT, **fields)
        else:
            log.warning("message_refused", hint="the next message tells whether the webhook is refused", **fields)

    def _remember_refusal(self, pending: PendingMessage, response: SlackResponse) -> None:
        if response.outcome == "sent":
            self._refused.clear()
        is_first_refusal = response.outcome == "ambiguous" and self._suspect is None
        if response.outcome == "ambiguous":
            self._refused.add(pending.activity_id)
        self._suspect = pending if is_first_refusal else None


def _close(conn: Connection, pending: PendingMessage, closure: Closure) -> None:
    outbox.close(conn, pending, closure)
    event = "message_withdrawn" if closure.status == "withdrawn" else "message_expired"
    log.info(event, activity_id=pending.activity_id, reason=closure.reason)
