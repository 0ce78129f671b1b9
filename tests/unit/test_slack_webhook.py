"""What becomes of a message by what Slack answers."""

import socket
from collections.abc import Iterator
from unittest.mock import patch

import httpx
import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from lakehouse.slack import webhook


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client() as client:
        yield client


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (200, "ok", "sent"),
        (500, "oops", "again"),
        (503, "", "again"),
        (408, "", "again"),
        (400, "invalid_payload", "set_aside"),
        (403, "action_prohibited", "set_aside"),
        (404, "no_service", "set_aside"),
    ],
)
def test_the_status_decides(httpserver: HTTPServer, client: httpx.Client, status: int, body: str, outcome: str) -> None:
    httpserver.expect_request("/hook", method="POST", json={"text": "Bravo"}).respond_with_data(body, status=status)
    answer = webhook.post(client, httpserver.url_for("/hook"), "Bravo")
    assert (answer.outcome, answer.says, answer.wait) == (outcome, f"{status} {body}".strip(), None)


@pytest.mark.parametrize(
    ("header", "wait"),
    [("7", 7.0), ("soon", 1.0), (None, 1.0), ("-4", 0.0), ("nan", 0.0), ("inf", 86_400.0), ("1e300", 86_400.0)],
)
def test_429_waits_as_long_as_slack_says(
    httpserver: HTTPServer, client: httpx.Client, header: str | None, wait: float
) -> None:
    headers = {} if header is None else {"Retry-After": header}
    httpserver.expect_request("/hook").respond_with_data("rate_limited", status=429, headers=headers)
    answer = webhook.post(client, httpserver.url_for("/hook"), "Bravo")
    assert (answer.outcome, answer.wait) == ("again", wait)


def test_a_time_out_is_tried_again_and_names_no_address(client: httpx.Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, patch.object(webhook, "TIMEOUT", 0.2):
        port = silent.getsockname()[1]
        answer = webhook.post(client, f"http://127.0.0.1:{port}/secret", "Bravo")
    assert answer == webhook.Answer("again", "ReadTimeout")


def test_nobody_there_is_tried_again(client: httpx.Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    assert webhook.post(client, f"http://127.0.0.1:{port}/secret", "Bravo") == webhook.Answer("again", "ConnectError")


def test_an_address_that_is_none_is_tried_again_and_not_told(client: httpx.Client) -> None:
    assert webhook.post(client, "http://127.0.0.1:secret/", "Bravo") == webhook.Answer("again", "InvalidURL")


def test_an_answer_is_a_text_that_postgres_keeps(httpserver: HTTPServer, client: httpx.Client) -> None:
    httpserver.expect_request("/hook").respond_with_data(b"o\0k\xff", status=200)
    assert webhook.post(client, httpserver.url_for("/hook"), "Bravo") == webhook.Answer("sent", "200 ok\ufffd")


def test_a_comment_cannot_call_the_whole_channel(httpserver: HTTPServer, client: httpx.Client) -> None:
    def answer(request: object) -> Response:
        return Response("ok" if "<" not in getattr(request, "json", {})["text"] else "markup", status=200)

    httpserver.expect_request("/hook").respond_with_handler(answer)
    assert webhook.post(client, httpserver.url_for("/hook"), "Top <!channel> & <@U1>").says == "200 ok"
