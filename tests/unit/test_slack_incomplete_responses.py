"""An incomplete response from Slack is retried, and the secret webhook URL is never shown."""

import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread

import pytest

from lakehouse.http_session import external_session
from lakehouse.slack import webhook

CLOSE = struct.pack("ii", 0, 0)
RESET = struct.pack("ii", 1, 0)  # SO_LINGER of zero seconds sends RST

POST_PROGRAM = """
import sys
from lakehouse import logs
from lakehouse.http_session import external_session
from lakehouse.slack import webhook
logs.configure(level="DEBUG")
with external_session() as session:
    print([webhook.post(session, url, "Bravo").text for url in sys.argv[1:]])
"""


@contextmanager
def slack_server(end_connection: Callable[[socket.socket], None]) -> Iterator[tuple[str, list[bytes]]]:
    """Yield the URL of a server that reads one request to its end, and the requests that it has read."""
    received: list[bytes] = []

    def receive(server: socket.socket) -> None:
        peer, _ = server.accept()
        with peer:
            read = b""
            while not read.endswith(b'Bravo"}'):
                read += peer.recv(65_536)
            received.append(read)
            end_connection(peer)

    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)
        thread = Thread(target=receive, args=[server])
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/services/secret", received
        thread.join()


def close_connection(peer: socket.socket) -> None:
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, CLOSE)


def reset_connection(peer: socket.socket) -> None:
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


def send_half_response(peer: socket.socket) -> None:
    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no")


@pytest.mark.parametrize(
    ("end_connection", "message"),
    [
        (close_connection, "RemoteDisconnected"),
        (reset_connection, "ConnectionResetError"),
        (send_half_response, "IncompleteRead"),
    ],
)
def test_message_with_an_incomplete_slack_response_is_retried(
    end_connection: Callable[[socket.socket], None], message: str
) -> None:
    with slack_server(end_connection) as (url, received), external_session() as session:
        assert webhook.post(session, url, "Bravo") == webhook.SlackResponse("retry", message)
    assert len(received) == 1


def test_logs_do_not_show_the_webhook_url() -> None:
    ok = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    with (
        slack_server(lambda peer: peer.sendall(ok)) as (accepting, _),
        slack_server(reset_connection) as (resetting, _),
    ):
        command = [sys.executable, "-c", POST_PROGRAM, accepting, resetting]
        completed = subprocess.run(command, capture_output=True, text=True, check=True)
    assert completed.stdout == "['200 ok', 'ConnectionResetError']\n"
    assert "secret" not in completed.stderr
