"""What our sessions add to requests: time-outs, no redirects, no proxy for our own services, errors without secrets."""

import socket
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest
from pytest_httpserver import HTTPServer

from lakehouse.http_session import (
    DEFAULT_TIMEOUT_S,
    HttpError,
    HttpSession,
    InvalidUrl,
    ensure_success,
    external_session,
    internal_session,
)
from support.http_adapter import FunctionAdapter, build_response
from support.timing import seconds

PROXY_VARS = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CLOSING = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture(params=[internal_session, external_session])
def session(request: pytest.FixtureRequest) -> Iterator[HttpSession]:
    with request.param() as session:
        yield session


def mount_adapter(session: HttpSession) -> FunctionAdapter:
    adapter = FunctionAdapter(lambda _: build_response())
    for scheme in ("http://", "https://"):
        session.mount(scheme, adapter)
    return adapter


@contextmanager
def connection_server(*connections: list[bytes]) -> Iterator[tuple[str, list[int]]]:
    """Yield the URL of a server, and the number of the connection that each request came on.

    Each connection answers its requests with its responses, and the next request on it with silence.
    """
    requests: list[int] = []

    def answer(peer: socket.socket, number: int, responses: list[bytes]) -> None:
        with peer:
            for response in [*responses, b""]:
                if not peer.recv(65_536):
                    return
                requests.append(number)
                peer.sendall(response)
                if b"Connection: close" in response:
                    return
            peer.recv(65_536)

    def serve(server: socket.socket) -> None:
        threads = []
        for number, responses in enumerate(connections):
            peer, _ = server.accept()
            peer.settimeout(seconds(10))
            threads.append(Thread(target=answer, args=[peer, number, responses]))
            threads[-1].start()
        for thread in threads:
            thread.join()

    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(seconds(10))
        thread = Thread(target=serve, args=[server])
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/", requests
        thread.join()


def test_request_without_a_timeout_has_the_sessions(session: HttpSession) -> None:
    adapter = mount_adapter(session)
    session.get("http://connect:8083/")
    session.get("http://connect:8083/", timeout=None)
    session.get("http://connect:8083/", timeout=7)
    assert [sent["timeout"] for sent in adapter.options] == [DEFAULT_TIMEOUT_S, DEFAULT_TIMEOUT_S, 7]


def test_silent_server_raises_after_the_sessions_timeout() -> None:
    with (
        connection_server([]) as (url, _),
        internal_session(timeout=0.2) as session,
        pytest.raises(HttpError) as raised,
    ):
        session.get(url)
    assert str(raised.value) == "ReadTimeout"


def test_response_that_stops_half_way_raises_after_the_sessions_timeout() -> None:
    with (
        connection_server([OK[:-1]]) as (url, _),
        internal_session(timeout=0.2) as session,
        pytest.raises(HttpError) as raised,
    ):
        session.get(url)
    assert str(raised.value) == "ReadTimeoutError"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed_and_none_is_a_success(
    httpserver: HTTPServer, session: HttpSession, status: int
) -> None:
    httpserver.expect_request("/hook").respond_with_data("moved", status=status, headers={"Location": "/elsewhere"})
    for method in ("GET", "POST", "PUT", "DELETE"):
        response = session.request(method, httpserver.url_for("/hook"))
        assert (response.status_code, response.text) == (status, "moved")
        with pytest.raises(HttpError, match=f"^HTTP {status}$"):
            ensure_success(response)
    assert [request.path for request, _ in httpserver.log] == ["/hook"] * 4


@pytest.mark.parametrize("location", [b"http://[", b"//:x/", b"\xe9\xff", b""])
def test_redirect_to_an_invalid_address_is_a_response_too(session: HttpSession, location: bytes) -> None:
    moved = b"HTTP/1.1 307 Moved\r\nConnection: close\r\nContent-Length: 0\r\nLocation: " + location + b"\r\n\r\n"
    with connection_server([moved]) as (url, _):
        assert session.post(url).status_code == 307


@pytest.mark.parametrize("status", [429, 503])
def test_request_is_sent_once_despite_retry_after(httpserver: HTTPServer, session: HttpSession, status: int) -> None:
    httpserver.expect_request("/hook").respond_with_data("busy", status=status, headers={"Retry-After": "0"})
    assert session.post(httpserver.url_for("/hook"), json={}).status_code == status
    assert len(httpserver.log) == 1


@pytest.mark.parametrize(("open_session", "proxied"), [(internal_session, False), (external_session, True)])
def test_environments_proxy_is_for_external_services_only(
    monkeypatch: pytest.MonkeyPatch, open_session: Callable[[], HttpSession], proxied: bool
) -> None:
    for name in PROXY_VARS:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.test:3128")
    with open_session() as session:
        adapter = mount_adapter(session)
        session.get("http://connect:8083/")
    assert [dict(sent["proxies"]) for sent in adapter.options] == [
        {"http": "http://proxy.test:3128"} if proxied else {}
    ]


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("host", ["127.0.0.1:8083", "localhost", "[::1]:8083", "127.8.9.1"])
def test_no_proxy_is_used_for_an_address_of_this_machine(
    monkeypatch: pytest.MonkeyPatch, session: HttpSession, variable: str, host: str
) -> None:
    for name in PROXY_VARS:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv(variable, "http://proxy.test:3128")
    adapter = mount_adapter(session)
    session.get(f"http://{host}/")
    assert [dict(sent["proxies"]) for sent in adapter.options] == [{}]


def test_certificates_are_those_of_openssls_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", "/etc/ssl/company.pem")
    for open_session in (internal_session, external_session):
        with open_session() as session:
            adapter = mount_adapter(session)
            session.get("https://hooks.slack.test/")
        assert [sent["verify"] for sent in adapter.options] == ["/etc/ssl/company.pem"]


def test_credentials_come_from_the_url_and_never_from_netrc(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, httpserver: HTTPServer, session: HttpSession
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    httpserver.expect_request("/").respond_with_data("ok")
    session.get(httpserver.url_for("/"))
    session.get(httpserver.url_for("/").replace("http://", "http://user:pass@"))
    assert [request.headers.get("Authorization") for request, _ in httpserver.log] == [None, "Basic dXNlcjpwYXNz"]


@pytest.mark.parametrize(
    ("content_type", "text"),
    [
        ("", "é\ufffd"),
        ("text/html", "é\ufffd"),
        ("text/plain; charset=iso-8859-1", "Ã©ÿ"),
        ("text/plain; charset=none", "é\ufffd"),
    ],
)
def test_text_is_utf8_unless_the_response_names_a_charset(
    httpserver: HTTPServer, session: HttpSession, content_type: str, text: str
) -> None:
    httpserver.expect_request("/").respond_with_data("é".encode() + b"\xff", headers={"Content-Type": content_type})
    assert session.get(httpserver.url_for("/")).text == text


def test_open_connection_is_used_again(session: HttpSession) -> None:
    with connection_server([OK, OK, CLOSING]) as (url, requests):
        assert [session.post(url).text for _ in range(3)] == ["ok"] * 3
    assert requests == [0, 0, 0]


def test_idle_connection_closed_by_the_server_is_replaced_and_no_request_sent_twice(session: HttpSession) -> None:
    received: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(seconds(10))

        def answer_one() -> None:
            peer, _ = server.accept()
            with peer:
                received.append(peer.recv(65_536))
                peer.sendall(OK)

        for _ in range(2):
            thread = Thread(target=answer_one)
            thread.start()
            assert session.post(f"http://127.0.0.1:{server.getsockname()[1]}/").text == "ok"
            thread.join()  # it has closed its connection, without a header that said so
    assert len(received) == 2


def test_connection_broken_during_a_request_is_replaced_for_the_next_one(session: HttpSession) -> None:
    with connection_server([OK[:-1]], [CLOSING]) as (url, requests):
        with pytest.raises(HttpError, match=r"^ReadTimeoutError$"):
            session.post(url, timeout=0.2)
        assert session.post(url).text == "ok"
    assert requests == [0, 1]


def test_connection_idle_for_longer_than_keep_alive_is_not_used_again() -> None:
    with (
        connection_server([OK], [OK]) as (url, requests),
        HttpSession(trust_env=True, timeout=seconds(5), keep_alive=0.0) as session,
    ):
        assert [session.post(url).text for _ in range(2)] == ["ok"] * 2
    assert requests == [0, 1]


@pytest.mark.parametrize(
    "url",
    [
        "T0KEN",
        "T0KEN://hooks.slack.test/T0KEN",
        "http://127.0.0.1:T0KEN/",
        "http://[T0KEN/",
        "http://T0KEN..slack.test/T0KEN",
        f"http://{'T0KEN' * 13}.test/T0KEN",
        "http:///T0KEN",
    ],
)
def test_invalid_url_is_an_error_that_does_not_quote_it(session: HttpSession, url: str) -> None:
    with pytest.raises(InvalidUrl) as raised:
        session.post(url)
    assert "T0KEN" not in "".join(traceback.format_exception(raised.value))


def test_failed_request_is_an_error_that_quotes_neither_url_nor_header(session: HttpSession) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/T0KEN"
    headers = {"X-Key": "T0KEN\n"}
    with pytest.raises(HttpError, match=r"^ConnectionRefusedError$") as refused:
        session.post(url)
    with pytest.raises(HttpError, match=r"^InvalidHeader$") as invalid:
        session.post(url, headers=headers)
    assert "T0KEN" not in "".join(
        line for error in (refused.value, invalid.value) for line in traceback.format_exception(error)
    )


def test_invalid_header_of_a_response_is_not_an_invalid_url(session: HttpSession) -> None:
    with (
        connection_server([b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2, 3\r\n\r\nok"]) as (url, _),
        pytest.raises(HttpError) as raised,
    ):
        session.post(url)
    assert (type(raised.value), str(raised.value)) == (HttpError, "InvalidHeader")
