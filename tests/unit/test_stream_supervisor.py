"""A failed stream stops no other: it alone is restarted, with growing delays, and logged with its reason."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest
from pyspark.errors import StreamingQueryException
from structlog.testing import capture_logs

from lakehouse.errors import SourceMismatch
from lakehouse.logs import logger
from lakehouse.spark.stream_supervisor import supervise

STREAM_ERROR = """[STREAM_FAILED] Query terminated with exception: An exception was raised by the Python Proxy.
Traceback (most recent call last):
  File "lease.py", line 40, in check
lakehouse.errors.LockLost: the lock of the stream was lost; nothing was written.
"""


@dataclass
class StubQuery:
    """The part of a streaming query that the supervisor uses."""

    isActive: bool = True  # noqa: N815 - PySpark's name
    recentProgress: list[dict[str, Any]] = field(default_factory=list)  # noqa: N815
    lastProgress: None = None  # noqa: N815

    def exception(self) -> StreamingQueryException:
        return StreamingQueryException(STREAM_ERROR)

    def stop(self) -> None:
        self.isActive = False


@dataclass
class SupervisedStreams:
    """The start times of each stream, by a clock that each check moves on a second, and the log."""

    now: float = 0.0
    starts: dict[str, list[float]] = field(default_factory=lambda: {"good": [], "ends": [], "refused": []})
    logged: Sequence[Mapping[str, Any]] = ()

    def stream(self, name: str) -> Callable[[], Any]:
        def start() -> StubQuery:
            self.starts[name].append(self.now)
            if name == "refused":
                raise SourceMismatch("the topic was made again")
            return StubQuery(isActive=name == "good")

        return start

    def should_stop(self, _seconds: float) -> bool:
        self.now += 1
        return self.now > 40


@pytest.fixture
def supervised() -> SupervisedStreams:
    streams = SupervisedStreams()
    with capture_logs() as logs:
        starts = {name: streams.stream(name) for name in streams.starts}
        supervise(starts, logger("stream"), streams.should_stop, clock=lambda: streams.now)
    streams.logged = logs
    return streams


def test_failed_stream_does_not_stop_the_others(supervised: SupervisedStreams) -> None:
    assert len(supervised.starts["good"]) == 1


@pytest.mark.parametrize("name", ["ends", "refused"])
def test_failed_stream_is_restarted_with_growing_delays(supervised: SupervisedStreams, name: str) -> None:
    waits = [later - earlier for earlier, later in pairwise(supervised.starts[name])]
    assert len(waits) >= 4
    assert waits == sorted(waits)
    assert waits[-1] >= 4 * waits[0]


def test_failed_stream_is_logged_in_one_line_with_table_and_reason(supervised: SupervisedStreams) -> None:
    assert {entry["table"]: entry["error"] for entry in supervised.logged if entry["event"] == "stream_failed"} == {
        "ends": "the lock of the stream was lost; nothing was written.",
        "refused": "the topic was made again",
    }
