"""A service's loop in a thread of this process, so that a test reads its log and stops it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread

from structlog.testing import capture_logs
from structlog.typing import EventDict

from lakehouse.retries import StopSignal
from lakehouse.settings import Settings
from support.timing import seconds


@contextmanager
def run_service(serve: Callable[[Settings, StopSignal], None], settings: Settings) -> Iterator[list[EventDict]]:
    """Serve until the end of the block; yield what is logged. Fail where the loop ended before."""
    stop = StopSignal()
    thread = Thread(target=serve, args=[settings, stop])
    with capture_logs() as logs:
        thread.start()
        try:
            yield logs
            assert thread.is_alive()
        finally:
            stop.set()
            thread.join(timeout=seconds(60))
