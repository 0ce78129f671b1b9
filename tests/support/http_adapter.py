"""A server inside the test's process, where a socket for each of thousands of requests would take too long."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from io import BytesIO
from typing import Any

from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter


class FunctionAdapter(BaseAdapter):
    """An adapter that a session is mounted with; `respond` returns the response to each of its requests."""

    def __init__(self, respond: Callable[[PreparedRequest], Response]) -> None:
        super().__init__()
        self._respond = respond
        self.options: list[Mapping[str, Any]] = []  # of each request: timeout, verify, proxies

    def send(self, request: PreparedRequest, *args: Any, **options: Any) -> Response:  # noqa: ARG002
        self.options.append(options)
        response = self._respond(request)
        response.request, response.url = request, request.url or ""
        return response

    def close(self) -> None:
        """Nothing is open."""


def build_response(
    body: bytes = b"", status: HTTPStatus = HTTPStatus.OK, headers: Mapping[str, str] | None = None
) -> Response:
    """Return a response with this body."""
    response = Response()
    response.status_code = status
    response.raw = BytesIO(body)
    response.headers.update(headers or {})
    return response
