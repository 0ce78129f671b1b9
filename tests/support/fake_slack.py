"""Slack's incoming webhook in the place of Slack: it records messages, and answers as a test wants it."""

import json
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from threading import Lock, Thread
from typing import Any, NamedTuple

from pydantic import SecretStr
from requests import PreparedRequest, Response
from typing_extensions import Self

from support.http_adapter import build_response

WEBHOOK_PATH = "/services/T/B/SECRET"
# What a message must have beside its text, to be shown as it was written.
PLAIN_TEXT = {"mrkdwn": False, "unfurl_links": False, "unfurl_media": False}
SHUTDOWN_POLL_S = 0.05
RESET = struct.pack("ii", 1, 0)  # SO_LINGER of zero seconds sends RST


@dataclass(frozen=True)
class Answer:
    """A response of Slack's. With `end`, nothing but what it sends itself, and the connection ends."""

    status: int = HTTPStatus.OK
    body: bytes = b"ok"
    retry_after: str | None = None
    end: Callable[[socket.socket], None] | None = None

    @property
    def accepts(self) -> bool:
        """Whether Slack has stored the message, also where its response is lost."""
        return self.status == HTTPStatus.OK

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": self.retry_after} if self.retry_after is not None else {}


class ReceivedMessage(NamedTuple):
    """A message that Slack has stored; the time is in seconds since the epoch."""

    text: str
    received_at: float


Answers = Callable[[str], Answer]


def accept(_text: str) -> Answer:
    """Accept every message, as Slack does on a good day."""
    return Answer()


def refuse(_text: str) -> Answer:
    """Refuse every message: the answer to one that a test does not expect."""
    return Answer(HTTPStatus.INTERNAL_SERVER_ERROR, b"unexpected")


def close_without_response(_connection: socket.socket) -> None:
    """Send nothing."""


def reset_connection(connection: socket.socket) -> None:
    """Let the connection end by a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


def send_half_response(connection: socket.socket) -> None:
    """Send a response without its last byte."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no")


@dataclass
class Flaky:
    """Of 100 messages, answer 4 by a 429, 4 by a 500, and store 2 without a response."""

    rng: Random
    dropped_connections: int = 0

    def __call__(self, _text: str) -> Answer:
        draw = self.rng.random()
        if draw < 0.04:
            return Answer(HTTPStatus.TOO_MANY_REQUESTS, b"rate_limited", retry_after="1")
        if draw < 0.08:
            return Answer(HTTPStatus.INTERNAL_SERVER_ERROR, b"internal_error")
        if draw < 0.10:
            self.dropped_connections += 1
            return Answer(end=close_without_response)
        return Answer()


@dataclass
class RateLimited:
    """Accept a burst, refuse for a while, then accept one message an interval and no more."""

    clock: Callable[[], float]
    burst: int
    retry_after: float
    interval: float
    accepted: int = 0
    refused: int = 0
    open_from: float = 0.0

    def __call__(self, _text: str) -> Answer:
        now = self.clock()
        if now < self.open_from:
            return self._refuse(self.open_from - now)
        if self.accepted == self.burst and not self.refused:
            return self._refuse(self.retry_after)
        if self.refused:
            self.open_from = now + self.interval
        self.accepted += 1
        return Answer()

    def _refuse(self, seconds: float) -> Answer:
        self.refused += 1
        self.open_from = self.clock() + seconds
        return Answer(HTTPStatus.TOO_MANY_REQUESTS, b"rate_limited", retry_after=str(seconds))


class FakeSlack:
    """A webhook: as a context manager it serves HTTP on a free port, and `respond` serves a session's adapter.

    `answers` maps a message's text to its answer. `expect` puts answers before it, one for each next message.
    `posted` counts all messages, `received` lists those that were stored.
    """

    def __init__(self, answers: Answers = accept) -> None:
        self.received: list[ReceivedMessage] = []
        self.posted = 0
        self._answers, self._expected = answers, list[Answer | Answers]()
        self._lock = Lock()
        self._server: _Server | None = None

    @property
    def webhook(self) -> SecretStr:
        assert self._server, "the fake Slack serves HTTP only while it is a context manager"
        return SecretStr(f"http://127.0.0.1:{self._server.server_port}{WEBHOOK_PATH}")

    @property
    def url(self) -> str:
        return self.webhook.get_secret_value()

    @property
    def texts(self) -> list[str]:
        """The texts of the messages that were stored, in their order."""
        return [message.text for message in list(self.received)]

    def expect(self, *answers: Answer | Answers) -> None:
        """Answer the next messages so, whatever `answers` of the constructor says."""
        self._expected += answers

    def receive(self, body: bytes) -> Answer:
        """Return the answer to a request's body, and record its message."""
        received_at = time.time()
        with self._lock:
            self.posted += 1
            message = json.loads(body)
            if message != {"text": message.get("text"), **PLAIN_TEXT}:
                return Answer(HTTPStatus.BAD_REQUEST, b"invalid_payload")
            answer = self._expected.pop(0) if self._expected else self._answers
            if not isinstance(answer, Answer):
                answer = answer(message["text"])
            if answer.accepts:
                self.received.append(ReceivedMessage(message["text"], received_at))
            return answer

    def respond(self, request: PreparedRequest) -> Response:
        """Return the response to a request of a session in this process."""
        assert isinstance(request.body, bytes)
        answer = self.receive(request.body)
        return build_response(answer.body, HTTPStatus(answer.status), answer.headers)

    def __enter__(self) -> Self:
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        Thread(target=self._server.serve_forever, args=[SHUTDOWN_POLL_S], daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._server:
            self._server.shutdown()
            self._server.server_close()


class _Server(ThreadingHTTPServer):
    def shutdown_request(self, request: Any) -> None:
        """Close the connection without a FIN before it, so that it can end by a reset."""
        self.close_request(request)


def _handler(slack: FakeSlack) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = slack.receive(body) if self.path == WEBHOOK_PATH else Answer(HTTPStatus.NOT_FOUND, b"no_service")
            if answer.end is not None:
                answer.end(self.connection)
                return
            self.send_response(answer.status)
            for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - the base class's name
            pass

    return Handler
