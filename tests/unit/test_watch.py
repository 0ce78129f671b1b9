"""A flow that fails stops no other: it alone is started again, after growing pauses, and the log says which and why."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest
from pyspark.errors import StreamingQueryException
from structlog.testing import capture_logs

from lakehouse.cdc.watch import watch
from lakehouse.errors import WrongSource
from lakehouse.logs import logger

FAILED = """[STREAM_FAILED] Query terminated with exception: An exception was raised by the Python Proxy.
Traceback (most recent call last):
  File "lease.py", line 40, in check
lakehouse.errors.AlreadyRunning: the lock of the stream was lost; nothing was written.
"""


@dataclass
class Query:
    """A query as far as watching asks it."""

    isActive: bool = True  # noqa: N815 - PySpark's name
    recentProgress: list[dict[str, Any]] = field(default_factory=list)  # noqa: N815
    lastProgress: None = None  # noqa: N815

    def exception(self) -> StreamingQueryException:
        return StreamingQueryException(FAILED)

    def stop(self) -> None:
        self.isActive = False


@dataclass
class Watched:
    """When each flow was started, by a clock that each look moves on a second, and what was logged."""

    now: float = 0.0
    starts: dict[str, list[float]] = field(default_factory=lambda: {"good": [], "ends": [], "refused": []})
    said: Sequence[Mapping[str, Any]] = ()

    def flow(self, name: str) -> Callable[[], Any]:
        def start() -> Query:
            self.starts[name].append(self.now)
            if name == "refused":
                raise WrongSource("the topic was made again")
            return Query(isActive=name == "good")

        return start

    def ends(self, _seconds: float) -> bool:
        self.now += 1
        return self.now > 40


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Watched:
    made = Watched()
    monkeypatch.setattr("lakehouse.cdc.watch.time.monotonic", lambda: made.now)
    with capture_logs() as said:
        watch({name: made.flow(name) for name in made.starts}, logger("stream"), made.ends)
    made.said = said
    return made


def test_the_others_go_on(watched: Watched) -> None:
    assert len(watched.starts["good"]) == 1


@pytest.mark.parametrize("name", ["ends", "refused"])
def test_it_is_started_again_after_growing_pauses(watched: Watched, name: str) -> None:
    waits = [later - earlier for earlier, later in pairwise(watched.starts[name])]
    assert len(waits) >= 4
    assert waits == sorted(waits)
    assert waits[-1] >= 4 * waits[0]


def test_the_log_says_which_and_why_in_one_line(watched: Watched) -> None:
    assert {one["table"]: one["why"] for one in watched.said if one["event"] == "flow stopped"} == {
        "ends": "the lock of the stream was lost; nothing was written.",
        "refused": "the topic was made again",
    }
