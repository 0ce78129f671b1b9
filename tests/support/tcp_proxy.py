"""A TCP proxy that can stop forwarding without closing anything, as a cut network does."""

import select
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from threading import Event, Thread

CHUNK_BYTES, POLL_S = 65_536, 0.05


class TcpProxy:
    """Forwards connections to an address. While it is cut, bytes and new connections wait, and no socket is closed."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._server = socket.create_server(("127.0.0.1", 0))
        self._is_forwarding, self._is_closed = Event(), Event()
        self._is_forwarding.set()

    @property
    def port(self) -> int:
        return int(self._server.getsockname()[1])

    @contextmanager
    def cut(self) -> Iterator[None]:
        """Forward nothing until the block ends."""
        self._is_forwarding.clear()
        try:
            yield
        finally:
            self._is_forwarding.set()

    def serve(self) -> None:
        while not self._is_closed.is_set():
            if self._is_forwarding.wait(POLL_S) and select.select([self._server], [], [], POLL_S)[0]:
                client, _ = self._server.accept()
                Thread(target=self._forward, args=[client], daemon=True).start()
        self._server.close()

    def close(self) -> None:
        self._is_closed.set()

    def _forward(self, client: socket.socket) -> None:
        with ExitStack() as sockets, suppress(OSError):
            sockets.enter_context(client)
            target = sockets.enter_context(socket.create_connection(self._target))
            peers = {client: target, target: client}
            while not self._is_closed.is_set():
                if not self._is_forwarding.wait(POLL_S):
                    continue
                for source in select.select([*peers], [], [], POLL_S)[0]:
                    chunk = source.recv(CHUNK_BYTES)
                    if not chunk:
                        return
                    peers[source].sendall(chunk)


@contextmanager
def tcp_proxy(host: str, port: int) -> Iterator[TcpProxy]:
    """Yield a proxy of the address, on a free port of this machine."""
    proxy = TcpProxy(host, port)
    thread = Thread(target=proxy.serve, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.close()
        thread.join()
