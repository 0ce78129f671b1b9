"""A failed stream stops no other: it alone is restarted, with growing delays, and logged with its reason.

What all depend on is checked, and what was taken in is logged for as long as the streams run.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest
from py4j.protocol import Py4JError
from pyspark.errors import StreamingQueryException
from structlog.testing import capture_logs
from structlog.typing import EventDict

from lakehouse.errors import LockHeld, SourceMismatch
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
    lastProgress: dict[str, Any] | None = None  # noqa: N815

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
    assert waits[-1] >= 2 * waits[0]


def test_failed_stream_is_logged_in_one_line_with_table_and_reason(supervised: SupervisedStreams) -> None:
    assert {entry["table"]: entry["error"] for entry in supervised.logged if entry["event"] == "stream_failed"} == {
        "ends": "the lock of the stream was lost; nothing was written.",
        "refused": "the topic was made again",
    }


@dataclass
class OneStream:
    """One supervised stream, by a clock that each round moves on a second; `each_second` is called in each round."""

    each_second: Callable[["OneStream", int], None]
    query: StubQuery = field(default_factory=StubQuery)
    reason: str = ""
    now: int = 0
    beats: list[int] = field(default_factory=list)
    logged: list[EventDict] = field(default_factory=list)

    def run(self, duration: int) -> "OneStream":
        def should_stop(_seconds: float) -> bool:
            self.now += 1
            self.each_second(self, self.now)
            return self.now > duration

        def check() -> None:
            if self.reason:
                raise LockHeld(self.reason)

        with capture_logs() as self.logged:
            supervise(
                {"shoes": self.start},  # type: ignore[dict-item]
                logger("stream"),
                should_stop,
                lambda: self.beats.append(self.now),
                lambda: self.now,
                check,
            )
        return self

    def start(self) -> StubQuery:
        self.query = StubQuery(lastProgress=report(0, 0))
        return self.query

    def events(self, name: str) -> list[EventDict]:
        return [entry for entry in self.logged if entry["event"] == name]


def report(batch_id: int, rows: int, lag: int = 0) -> dict[str, Any]:
    metrics = {"maxOffsetsBehindLatest": str(lag)}
    return {"batchId": batch_id, "numInputRows": rows, "sources": [{"metrics": metrics}]}


def test_batches_after_an_idle_trigger_are_logged() -> None:
    def progress(stream: OneStream, second: int) -> None:
        if second == 5:
            stream.query.recentProgress = [report(0, 3)]
        if second == 15:  # idle: the report names the batch to come
            stream.query.recentProgress += [report(1, 0)]
        if second == 30:
            stream.query.recentProgress += [report(1, 4, lag=2)]

    logged = OneStream(progress).run(50).events("batch_appended")
    assert [(entry["rows"], entry["lag"]) for entry in logged] == [(3, 0), (4, 2)]


def test_idle_streams_are_logged_every_ten_minutes_with_rows_and_lag() -> None:
    def progress(stream: OneStream, second: int) -> None:
        if second == 5:
            stream.query.recentProgress = [report(0, 3), report(1, 0)]

    logged = OneStream(progress).run(1_900).events("stream_progress")
    assert [(entry["table"], entry["rows"], entry["lag"]) for entry in logged] == [
        ("shoes", 3, 0),
        ("shoes", 0, 0),
        ("shoes", 0, 0),
    ]


def test_stream_is_not_ready_while_its_check_fails_and_says_once_why() -> None:
    def lose_lease(stream: OneStream, second: int) -> None:
        stream.reason = "the lock waits for Postgres process 42" if 30 <= second < 60 else ""

    stream = OneStream(lose_lease).run(90)
    assert not [beat for beat in stream.beats if 36 <= beat < 60]
    assert min(beat for beat in stream.beats if beat > 36) < 60 + 10
    assert [entry["reason"] for entry in stream.events("streams_not_ready")] == [
        "the lock waits for Postgres process 42"
    ]
    assert len(stream.events("streams_ready_again")) == 1


def test_stream_that_dies_more_than_three_times_in_a_minute_is_not_ready_until_it_has_run_for_one() -> None:
    def die(stream: OneStream, second: int) -> None:
        if second in {10, 20, 30, 40}:
            stream.query.isActive = False

    beats = OneStream(die).run(150).beats
    assert [beat for beat in beats if 33 <= beat < 40], "three restarts in a minute are ready again"
    assert not [beat for beat in beats if 40 <= beat < 70]
    assert [beat for beat in beats if beat >= 75]


@pytest.mark.parametrize("error", [Py4JError("a stopped SparkContext"), ConnectionRefusedError()])
def test_streams_end_without_an_error_where_their_jvm_has_ended_already(error: Exception) -> None:
    class QueryOfEndedJvm(StubQuery):
        def stop(self) -> None:
            raise error

    first, second = QueryOfEndedJvm(), StubQuery()
    starts: dict[str, Callable[[], Any]] = {"first": lambda: first, "second": lambda: second}
    rounds = iter([False, True])
    supervise(starts, logger("stream"), lambda _: next(rounds))
    assert not second.isActive
