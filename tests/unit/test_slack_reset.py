"""Slack takes a message and says nothing: sent again, and the webhook's secret address told to nobody."""

import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread

import httpx
import pytest

from lakehouse.slack import webhook

CLOSE = struct.pack("ii", 0, 0)
RESET = struct.pack("ii", 1, 0)  # to linger for no time at all is to send RST

POST = """
import sys, httpx
from lakehouse import logs
from lakehouse.slack import webhook
logs.configure()
with httpx.Client() as client:
    print([webhook.post(client, url, "Bravo").says for url in sys.argv[1:]])
"""


@contextmanager
def slack(then: Callable[[socket.socket], None]) -> Iterator[tuple[str, list[bytes]]]:
    """Give the address of a server that reads one request to its end, and what it has read."""
    taken: list[bytes] = []

    def take(server: socket.socket) -> None:
        peer, _ = server.accept()
        with peer:
            read = b""
            while not read.endswith(b'Bravo"}'):
                read += peer.recv(65_536)
            taken.append(read)
            then(peer)

    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)
        thread = Thread(target=take, args=[server])
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/services/secret", taken
        thread.join()


def closes(peer: socket.socket) -> None:
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, CLOSE)


def resets(peer: socket.socket) -> None:
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


def breaks_off(peer: socket.socket) -> None:
    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no")


@pytest.mark.parametrize(
    ("then", "says"), [(closes, "RemoteProtocolError"), (resets, "ReadError"), (breaks_off, "RemoteProtocolError")]
)
def test_what_slack_took_without_a_whole_answer_is_sent_again(then: Callable[[socket.socket], None], says: str) -> None:
    with slack(then) as (url, taken), httpx.Client() as client:
        assert webhook.post(client, url, "Bravo") == webhook.Answer("again", says)
    assert len(taken) == 1


def test_no_log_tells_the_webhooks_address() -> None:
    ok = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    with slack(lambda peer: peer.sendall(ok)) as (taking, _), slack(resets) as (resetting, _):
        command = [sys.executable, "-c", POST, taking, resetting]
        said = subprocess.run(command, capture_output=True, text=True, check=True)
    assert said.stdout == "['200 ok', 'ReadError']\n"
    assert "secret" not in said.stderr
