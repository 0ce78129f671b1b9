"""The outcome of a message by Slack's response: sent, retried or dead letter."""

import socket
from collections.abc import Iterator

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from lakehouse.http_session import HttpSession, external_session
from lakehouse.slack import webhook


@pytest.fixture
def session() -> Iterator[HttpSession]:
    with external_session() as session:
        yield session


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
    httpserver: HTTPServer, session: HttpSession, status: int, body: str, outcome: str
) -> None:
    httpserver.expect_request("/hook", method="POST", json={"text": "Bravo"}).respond_with_data(body, status=status)
    response = webhook.post(session, httpserver.url_for("/hook"), "Bravo")
    assert (response.outcome, response.text, response.retry_after) == (outcome, f"{status} {body}".strip(), None)


@pytest.mark.parametrize(
    ("header", "wait"),
    [("7", 7.0), ("soon", 1.0), (None, 1.0), ("-4", 0.0), ("nan", 0.0), ("inf", 86_400.0), ("1e300", 86_400.0)],
)
def test_429_waits_for_retry_after(
    httpserver: HTTPServer, session: HttpSession, header: str | None, wait: float
) -> None:
    headers = {} if header is None else {"Retry-After": header}
    httpserver.expect_request("/hook").respond_with_data("rate_limited", status=429, headers=headers)
    response = webhook.post(session, httpserver.url_for("/hook"), "Bravo")
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


def test_slack_response_with_nul_or_invalid_utf8_becomes_valid_text(
    httpserver: HTTPServer, session: HttpSession
) -> None:
    httpserver.expect_request("/hook").respond_with_data(b"o\0k\xff", status=200)
    assert webhook.post(session, httpserver.url_for("/hook"), "Bravo") == webhook.SlackResponse("sent", "200 ok\ufffd")


def test_slack_markup_in_a_comment_is_escaped(httpserver: HTTPServer, session: HttpSession) -> None:
    def respond(request: object) -> Response:
        return Response("ok" if "<" not in getattr(request, "json", {})["text"] else "markup", status=200)

    httpserver.expect_request("/hook").respond_with_handler(respond)
    assert webhook.post(session, httpserver.url_for("/hook"), "Top <!channel> & <@U1>").text == "200 ok"
