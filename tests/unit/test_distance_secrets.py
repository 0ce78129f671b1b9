"""However Google fails, neither the API key nor an address is shown in a reason or in a log."""

import socket
import subprocess
import sys
from itertools import takewhile
from threading import Thread

from support.timing import seconds

REQUEST_PROGRAM = """
import sys
from lakehouse import logs
from lakehouse.distance.google_routes import Google
from lakehouse.distance.providers import DistanceRequest, ProviderUnavailable
from lakehouse.http_session import external_session
from lakehouse.settings import Settings
logs.configure(level="DEBUG")
url, *keys = sys.argv[1:]
for key in keys:
    with external_session() as session:
        google = Google(Settings(_env_file=None, maps_url=url, api_key_maps=key), session)
        try:
            print(google.distance(DistanceRequest("SecretHome", "SecretWork", "walking")))
        except ProviderUnavailable as error:
            print(error)
"""

REFUSED = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"
NO_ROUTES_API = b"HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n"
FOUND = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
INVALID = b'[{"error": {"status": "INVALID_ARGUMENT", "message": "API key not valid: AIzaSecret, SecretHome"}}]'
DISABLED = b'[{"error": {"status": "PERMISSION_DENIED", "details": [{"reason": "SERVICE_DISABLED"}]}}]'


# The key, the responses of Google's server to successive connections, and the expected reason.
FAILURES: list[tuple[str, list[bytes], str]] = [
    ("AIzaSecret", [REFUSED + INVALID], "the key is refused"),
    ("AIzaSecret", [b""], "RemoteDisconnected"),
    ("AIzaSecret\n", [], "Check API_KEY_MAPS"),
    ("AIzaSecrét", [], "Check API_KEY_MAPS"),
    ("Secret", [NO_ROUTES_API + DISABLED], "does not look like a key"),
    ("AIzaSecret", [NO_ROUTES_API + DISABLED, b""], "TransportError"),
    ("AIzaSecret", [NO_ROUTES_API + DISABLED, FOUND + b"a header that is none\r\n\r\n{}"], "not its JSON"),
]


def test_google_errors_show_neither_api_key_nor_address() -> None:
    def serve(server: socket.socket) -> None:
        for response in (response for _, responses, _ in FAILURES for response in responses):
            peer, _ = server.accept()
            with peer, peer.makefile("rb") as request:
                headers = [line.lower().split(b":") for line in takewhile(bytes.strip, request)]
                request.read(sum(int(header[1]) for header in headers if header[0] == b"content-length"))
                peer.sendall(response)

    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(seconds(30))
        thread = Thread(target=serve, args=[server])
        thread.start()
        url, keys = f"http://127.0.0.1:{server.getsockname()[1]}", [key for key, _, _ in FAILURES]
        completed = subprocess.run(
            [sys.executable, "-c", REQUEST_PROGRAM, url, *keys], capture_output=True, text=True, check=True
        )
        thread.join()
    lines = completed.stdout.splitlines()
    assert [expected in line for line, (_, _, expected) in zip(lines, FAILURES, strict=True)] == [True] * len(FAILURES)
    assert "Secr" not in completed.stdout + completed.stderr
