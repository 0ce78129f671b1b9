"""The outcome of a message by Slack's response: the body decides first, then the status."""

import json
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
        (403, "action_prohibited", "webhook_refused"),
        (404, "no_service", "webhook_refused"),
        (418, "short and stout", "ambiguous"),
    ],
)
def test_response_of_the_webhook_has_an_outcome_and_a_text(
    slack: FakeSlack, session: HttpSession, status: int, body: str, outcome: str
) -> None:
    slack.expect(Answer(status, body.encode()))
    response = webhook.post(session, slack.url, "Bravo")
    assert (response.outcome, response.text, response.retry_after) == (outcome, f"{status} {body}".strip(), None)


@pytest.mark.parametrize("body", sorted(webhook.WEBHOOK_ERRORS))
@pytest.mark.parametrize("status", [200, 400, 403, 404, 410, 413, 429, 500])
def test_body_about_the_webhook_makes_everything_wait_whatever_its_status(status: int, body: str) -> None:
    assert webhook.classify(status, f" {body}\n") == "webhook_refused"


@pytest.mark.parametrize("body", sorted(webhook.MESSAGE_ERRORS))
@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 410, 429, 500])
def test_body_about_the_message_makes_a_dead_letter_whatever_its_status(status: int, body: str) -> None:
    assert webhook.classify(status, body.upper()) == "dead_letter"


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, "sent"),
        (204, "sent"),
        (302, "retry"),
        (400, "ambiguous"),
        (401, "webhook_refused"),
        (402, "ambiguous"),
        (403, "webhook_refused"),
        (404, "webhook_refused"),
        (405, "ambiguous"),
        (407, "ambiguous"),
        (408, "retry"),
        (410, "webhook_refused"),
        (413, "ambiguous"),
        (422, "ambiguous"),
        (429, "retry"),
        (499, "ambiguous"),
        (500, "retry"),
        (502, "retry"),
        (503, "retry"),
    ],
)
@pytest.mark.parametrize("body", ["", "ok", "<html>no_service</html>", "the payload is an invalid_payload"])
def test_status_decides_where_the_body_is_no_error_of_slack(status: int, outcome: str, body: str) -> None:
    assert webhook.classify(status, body) == outcome


def test_errors_of_a_webhook_that_is_gone_or_forbidden_are_about_the_webhook() -> None:
    assert {
        "no_service",
        "invalid_token",
        "channel_is_archived",
        "channel_not_found",
        "action_prohibited",
        "team_disabled",
    } <= webhook.WEBHOOK_ERRORS


def test_text_is_plain_and_links_are_not_unfurled() -> None:
    assert json.loads(json.dumps(webhook.build_payload("*Top* https://a.test"))) == {
        "text": "*Top* https://a.test",
        "mrkdwn": False,
        "unfurl_links": False,
        "unfurl_media": False,
    }


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
