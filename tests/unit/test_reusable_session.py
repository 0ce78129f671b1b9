"""A session is used by one job after another, and replaced after an error; there is no JVM in this test."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from pyspark.sql import SparkSession

from lakehouse.spark.reusable_session import ReusableSession


class CountedStarts:
    """Sessions that are numbered, with what was stopped."""

    def __init__(self) -> None:
        self.started, self.stopped = 0, list[int]()
        self.reusable = ReusableSession(self.start)

    @contextmanager
    def start(self) -> Iterator[SparkSession]:
        self.started += 1
        number: Any = self.started
        try:
            yield number
        finally:
            self.stopped.append(number)
            raise ConnectionError("as PySpark does whose JVM is gone")

    def use(self, error: BaseException | None = None) -> Any:
        with self.reusable.open() as spark:
            if error:
                raise error
            return spark


@pytest.fixture
def sessions() -> Iterator[CountedStarts]:
    sessions = CountedStarts()
    yield sessions
    sessions.reusable.close()


def test_jobs_share_a_session_until_it_is_closed(sessions: CountedStarts) -> None:
    assert [sessions.use(), sessions.use(), sessions.use()] == [1, 1, 1]
    assert sessions.stopped == []
    sessions.reusable.close()
    sessions.reusable.close()
    assert (sessions.stopped, sessions.use()) == ([1], 2)


@pytest.mark.parametrize("error", [ValueError(), KeyboardInterrupt()])
def test_session_is_replaced_after_an_error(sessions: CountedStarts, error: BaseException) -> None:
    assert sessions.use() == 1
    with pytest.raises(type(error)):
        sessions.use(error)
    assert (sessions.stopped, sessions.use()) == ([1], 2)


def test_start_that_fails_is_tried_again(sessions: CountedStarts) -> None:
    failing = [OSError("no Java")]

    def start() -> Any:
        if failing:
            raise failing.pop()
        return sessions.start()

    sessions.reusable = ReusableSession(start)
    with pytest.raises(OSError, match="no Java"):
        sessions.use()
    assert sessions.use() == 1


def test_nothing_is_killed_where_no_job_runs(sessions: CountedStarts) -> None:
    sessions.reusable.kill_if_open()
    assert sessions.use() == 1
    sessions.reusable.kill_if_open()
    assert sessions.use() == 1
