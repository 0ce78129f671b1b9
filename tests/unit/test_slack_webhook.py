"""The outcome of a message by Slack's response: sent, retried or dead letter."""

import socket
from collections.abc import Iterator

import pytest

from lakehouse.http_session import HttpSession, external_session
from lakehouse.slack import webhook
from support.fake_slack import Answer, FakeSlack


@pytest.fixture
def session() -> Iterator[HttpSession]:
    with external_session() as session:
        yield session


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    with FakeSlack() as slack:
        yield slack


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (200, "ok", "sent"),
        (500, "oops", "retry"),
        (503, "", "retry"),
        (408, "", "retry"),
        (307, "moved", "retry"),
        (400, "invalid_payload", "dead_letter"),
        (403, "action_prohibited", "dead_letter"),
        (404, "no_service", "dead_letter"),
    ],
)
def test_http_status_decides_between_sent_retry_and_dead_letter(
    slack: FakeSlack, session: HttpSession, status: int, body: str, outcome: str
) -> None:
    slack.expect(Answer(status, body.encode()))
    response = webhook.post(session, slack.url, "Bravo")
    assert (response.outcome, response.text, response.retry_after) == (outcome, f"{status} {body}".strip(), None)


@pytest.mark.parametrize(
    ("header", "wait"),
    [("7", 7.0), ("soon", 1.0), (None, 1.0), ("-4", 0.0), ("nan", 0.0), ("inf", 86_400.0), ("1e300", 86_400.0)],
)
def test_429_waits_for_retry_after(slack: FakeSlack, session: HttpSession, header: str | None, wait: float) -> None:
    slack.expect(Answer(429, b"rate_limited", header))
    response = webhook.post(session, slack.url, "Bravo")
    assert (response.outcome, response.retry_after) == ("retry", wait)


def test_webhook_timeout_is_retried_without_showing_the_url(session: HttpSession) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        response = webhook.post(session, f"http://127.0.0.1:{port}/secret", "Bravo", timeout=0.2)
    assert response == webhook.SlackResponse("retry", "ReadTimeout")


def test_refused_webhook_connection_is_retried(session: HttpSession) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert webhook.post(session, f"http://127.0.0.1:{port}/secret", "Bravo") == webhook.SlackResponse(
        "retry", "ConnectionRefusedError"
    )


def test_invalid_webhook_url_is_retried_without_showing_it(session: HttpSession) -> None:
    assert webhook.post(session, "http://127.0.0.1:secret/", "Bravo") == webhook.SlackResponse("retry", "InvalidURL")


def test_slack_response_with_nul_or_invalid_utf8_becomes_valid_text(slack: FakeSlack, session: HttpSession) -> None:
    slack.expect(Answer(body=b"o\0k\xff"))
    assert webhook.post(session, slack.url, "Bravo") == webhook.SlackResponse("sent", "200 ok\ufffd")


def test_slack_markup_in_a_comment_is_escaped(slack: FakeSlack, session: HttpSession) -> None:
    assert webhook.post(session, slack.url, "Top <!channel> & <@U1>").text == "200 ok"
    assert slack.texts == ["Top &lt;!channel&gt; &amp; &lt;@U1&gt;"]
