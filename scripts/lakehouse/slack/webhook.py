"""Slack's incoming webhook."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal, TypeAlias

from lakehouse.http_session import HttpError, HttpSession, Response

SLACK_TIMEOUT_S = 10.0
MAX_RESPONSE_CHARS = 200
MAX_RETRY_AFTER_S = 86_400.0

# sent: Slack has the message. retry: an outage or a rate limit. webhook_refused: no message can be sent.
# dead_letter: this message can never be sent. ambiguous: a refusal of the webhook or of the message.
Outcome: TypeAlias = Literal["sent", "retry", "webhook_refused", "dead_letter", "ambiguous"]

# Bodies of a refusal: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks#handling_errors
WEBHOOK_ERRORS = frozenset(
    {
        "action_prohibited",
        "channel_is_archived",
        "channel_not_found",
        "invalid_token",
        "no_active_hooks",
        "no_service",
        "no_service_id",
        "no_team",
        "posting_to_general_channel_denied",
        "team_disabled",
    }
)
MESSAGE_ERRORS = frozenset(
    {
        "invalid_attachments",
        "invalid_blocks",
        "invalid_blocks_format",
        "invalid_payload",
        "missing_text_or_fallback_or_attachments",
        "msg_too_long",
        "no_text",
        "too_many_attachments",
        "user_not_found",
    }
)
WEBHOOK_STATUSES = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
# Client errors that say nothing of the request: it is sent again.
RETRY_STATUSES = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})


@dataclass(frozen=True)
class SlackResponse:
    """The outcome of a post; `retry_after` is the pause in seconds that Slack requires."""

    outcome: Outcome
    text: str
    retry_after: float | None = None


def post(session: HttpSession, url: str, message: str, timeout: float = SLACK_TIMEOUT_S) -> SlackResponse:
    """Post a message as plain text and return Slack's response; an outage is a response with the outcome `retry`."""
    try:
        response = session.post(url, json=build_payload(message), timeout=timeout)
    except HttpError as error:
        return SlackResponse("retry", str(error))
    # Postgres rejects NUL, and a message whose response cannot be saved would be sent again and again.
    text = f"{response.status_code} {response.text[:MAX_RESPONSE_CHARS]}".replace("\0", "").strip()
    is_rate_limit = response.status_code == HTTPStatus.TOO_MANY_REQUESTS
    return SlackResponse(
        classify(response.status_code, response.text), text, _retry_after(response) if is_rate_limit else None
    )


def classify(status: int, body: str) -> Outcome:
    """Return what a response means for its message. The body decides first, then the status."""
    error = body.strip().lower()
    if error in WEBHOOK_ERRORS:
        return "webhook_refused"
    if error in MESSAGE_ERRORS:
        return "dead_letter"
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return "sent"
    if status in WEBHOOK_STATUSES:
        return "webhook_refused"
    is_client_error = HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
    return "ambiguous" if is_client_error and status not in RETRY_STATUSES else "retry"


def build_payload(message: str) -> dict[str, str | bool]:
    """Return the body of a post: plain text, in which a comment's asterisks and addresses stay what they are."""
    return {"text": escape(message), "mrkdwn": False, "unfurl_links": False, "unfurl_media": False}


def escape(message: str) -> str:
    """Return the message with Slack's markup escaped, so that a comment cannot notify a whole channel."""
    return message.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _retry_after(response: Response) -> float:
    try:
        seconds = float(response.headers["Retry-After"])
    except (KeyError, ValueError):
        return 1.0
    return min(max(0.0, seconds), MAX_RETRY_AFTER_S)
