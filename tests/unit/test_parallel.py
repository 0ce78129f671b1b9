"""Law: what a job opens in the background is closed with it, whatever happens meanwhile."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from lakehouse.spark.parallel import opened_in_background


class Resource:
    """Opens once it may, and notes in which thread, and with which error it was closed."""

    def __init__(self, error: Exception | None = None) -> None:
        self.may_open, self.error = threading.Event(), error
        self.opened_in: threading.Thread | None = None
        self.closed_with: list[BaseException | None] = []

    @contextmanager
    def open(self) -> Iterator[str]:
        self.opened_in = threading.current_thread()
        assert self.may_open.wait(10)
        if self.error:
            raise self.error
        try:
            yield "open"
        except BaseException as error:
            self.closed_with.append(error)
            raise
        self.closed_with.append(None)


def test_resource_opens_while_the_block_runs_and_is_closed_after_it() -> None:
    resource = Resource()
    with opened_in_background(resource.open()) as wait:
        resource.may_open.set()
        assert wait() == wait() == "open"
        assert resource.closed_with == []
    assert resource.opened_in is not threading.current_thread()
    assert resource.closed_with == [None]


@pytest.mark.parametrize("is_open_before", [False, True])
def test_error_of_the_block_closes_what_was_opened_also_after_it(is_open_before: bool) -> None:
    resource = Resource()

    def interrupt() -> None:
        with opened_in_background(resource.open()) as wait:
            resource.may_open.set()
            if is_open_before:
                wait()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupt()
    [error] = resource.closed_with
    assert isinstance(error, KeyboardInterrupt)


def test_error_of_the_opening_is_raised_to_who_waits() -> None:
    resource = Resource(ValueError("no Java"))
    resource.may_open.set()
    with pytest.raises(ValueError, match="no Java"), opened_in_background(resource.open()) as wait:
        wait()
    with opened_in_background(Resource.open(resource)):
        pass
    assert resource.closed_with == []
