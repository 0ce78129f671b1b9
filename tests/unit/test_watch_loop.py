"""Law: a watcher refreshes at most once per interval, where Bronze has moved, and loses no change."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lakehouse.errors import BadInput, LockHeld, NotReady, SilverDiffers, UsageError
from lakehouse.refresh.watch_loop import (
    MAX_FAILURE_PAUSE_S,
    MAX_OUTAGE_PAUSE_S,
    Pace,
    pause_after,
    refresh_when_moved,
)

END = 10_000.0


class SimulatedBronze:
    """A Bronze that changes at given seconds, and refreshes of given durations that may fail; its clock is its own."""

    def __init__(
        self, changes: Sequence[float], durations: Sequence[float] = (), errors: Sequence[Exception | None] = ()
    ) -> None:
        self.now = 0.0
        self.changes, self._durations, self._errors = sorted(changes), [*durations], [*errors]
        self.starts: list[float] = []
        self.ends: list[float] = []
        self.merged: list[int] = []
        self.looks: list[float] = []
        self.failures: list[tuple[Exception, float]] = []
        self.heartbeats: list[float] = []

    def position(self) -> int:
        return sum(at <= self.now for at in self.changes)

    def read_position(self) -> int:
        self.looks.append(self.now)
        return self.position()

    def refresh(self) -> int:
        """Merge what is there at the start: what comes while it runs is left to the next one."""
        self.starts.append(self.now)
        cut = self.position()
        self.now += self._durations.pop(0) if self._durations else 1.0
        self.ends.append(self.now)
        if (error := self._errors.pop(0) if self._errors else None) is not None:
            raise error
        self.merged.append(cut)
        return cut

    def wait(self, seconds: float) -> bool:
        self.now += seconds
        return self.now >= END

    def run(self, interval: float = 15.0, look_interval: float = 1.0) -> "SimulatedBronze":
        refresh_when_moved(
            self.read_position,
            self.refresh,
            Pace(interval, look_interval),
            wait=self.wait,
            clock=lambda: self.now,
            on_failure=lambda error, pause: self.failures.append((error, pause)),
            heartbeat=lambda: self.heartbeats.append(self.now),
        )
        return self


changes = st.lists(st.floats(0, END - 1_000), max_size=30)
durations = st.lists(st.floats(0.1, 120), max_size=30)
errors = st.lists(st.sampled_from([None, NotReady("away"), SilverDiffers("differs"), ValueError("bug")]), max_size=6)
intervals = st.integers(1, 120)


@settings(deadline=None)
@given(changes, durations, errors, intervals)
@example([1.0, 2.0, 3.0], [100.0], [None], 15)
def test_two_refreshes_begin_an_interval_apart_or_more(
    at: list[float], seconds: list[float], failing: list[Exception | None], interval: int
) -> None:
    bronze = SimulatedBronze(at, seconds, failing).run(interval)
    assert all(later - earlier >= interval - 1e-6 for earlier, later in pairwise(bronze.starts))


@settings(deadline=None)
@given(changes, durations, intervals)
def test_no_refresh_follows_another_one_without_a_change(at: list[float], seconds: list[float], interval: int) -> None:
    bronze = SimulatedBronze(at, seconds).run(interval)
    assert all(earlier < later for earlier, later in pairwise(bronze.merged))
    assert len(bronze.starts) <= 1 + len(at)


@settings(deadline=None)
@given(changes, durations, errors, intervals)
@example([5.0], [10.0], [], 15)  # it comes while the first refresh runs
def test_change_is_merged_whenever_it_comes(
    at: list[float], seconds: list[float], failing: list[Exception | None], interval: int
) -> None:
    bronze = SimulatedBronze(at, seconds, failing).run(interval)
    assert bronze.merged[-1] == len(at)


@settings(deadline=None)
@given(changes, st.floats(0.1, 60), intervals)
def test_change_waits_for_the_refresh_that_runs_and_for_the_rest_of_its_interval(
    at: list[float], duration: float, interval: int
) -> None:
    bronze = SimulatedBronze(at, [duration] * 100).run(interval)
    for change in at:
        began = min(start for start in bronze.starts if start >= change)
        assert began - change <= max(interval, duration + 1) + 1 + 1e-6


def test_change_after_a_quiet_time_is_refreshed_within_a_second() -> None:
    bronze = SimulatedBronze([500.5], [1.0, 1.0]).run()
    assert len(bronze.starts) == 2
    assert 500.5 <= bronze.starts[1] <= 501.5


def test_position_is_not_read_in_the_rest_of_an_interval() -> None:
    bronze = SimulatedBronze([3.0], [1.0]).run(interval=60)
    assert bronze.looks[0] == bronze.starts[1] == 60


def test_first_refresh_needs_no_change() -> None:
    assert SimulatedBronze([]).run().starts == [0.0]


@pytest.mark.parametrize("error", [NotReady("away"), SilverDiffers("differs"), ConnectionError(), ValueError("bug")])
def test_error_is_reported_with_growing_pauses_and_the_refresh_is_tried_again(error: Exception) -> None:
    bronze = SimulatedBronze([], [1.0] * 9, [error] * 4).run()
    assert [pause for _, pause in bronze.failures] == [15, 30, 60, 60 if isinstance(error, NotReady) else 120]
    assert {failure for failure, _ in bronze.failures} == {error}
    assert [later - earlier for earlier, later in pairwise(bronze.starts)] == [
        pause + 1 for _, pause in bronze.failures
    ]
    assert len(bronze.merged) == 1
    assert min(bronze.heartbeats) >= bronze.ends[-1], "a watcher that fails is not well"


def test_pauses_begin_again_after_a_success() -> None:
    failing = [NotReady("a"), NotReady("b"), None, NotReady("c")]
    bronze = SimulatedBronze([1_000.0], [1.0] * 9, failing).run()
    assert [pause for _, pause in bronze.failures] == [15, 30, 15]


def test_position_that_cannot_be_read_is_a_failure_like_any_other() -> None:
    bronze = SimulatedBronze([100.0])
    unreadable = [OSError("the disk is away")]

    def read_or_fail() -> int:
        if bronze.now > 50 and unreadable:
            raise unreadable.pop()
        return bronze.position()

    bronze.read_position = read_or_fail  # type: ignore[method-assign]
    bronze.run()
    assert [pause for _, pause in bronze.failures] == [15]
    assert bronze.merged == [0, 1]


@pytest.mark.parametrize("error", [BadInput("no such lake"), UsageError("range\nremedy")])
def test_wrong_configuration_ends_the_watcher(error: BadInput) -> None:
    bronze = SimulatedBronze([], [1.0], [error])
    with pytest.raises(BadInput) as raised:
        bronze.run()
    assert raised.value is error
    assert bronze.failures == []


@pytest.mark.parametrize(
    ("error", "interval", "longest"),
    [
        (NotReady("x"), 15, MAX_OUTAGE_PAUSE_S),
        (LockHeld("x"), 1, MAX_OUTAGE_PAUSE_S),
        (SilverDiffers("x"), 15, MAX_FAILURE_PAUSE_S),
        (ValueError("x"), 1, MAX_FAILURE_PAUSE_S),
        (NotReady("x"), 3_600, 3_600),
        (SilverDiffers("x"), 3_600, 3_600),
    ],
)
def test_pause_has_an_end_and_is_never_shorter_than_the_interval(
    error: Exception, interval: float, longest: float
) -> None:
    pauses = [pause_after(error, failures, interval) for failures in range(1, 40)]
    assert pauses[0] == interval
    assert pauses == sorted(pauses)
    assert pauses[-1] == longest
