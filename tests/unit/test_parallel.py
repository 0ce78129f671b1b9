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


@pytest.mark.parametrize(
    ("error", "is_used", "is_passed_on"),
    [
        (KeyboardInterrupt(), False, True),
        (KeyboardInterrupt(), True, True),
        (OSError(), True, True),
        (OSError(), False, False),
    ],
)
def test_resource_gets_the_error_of_the_block_that_used_it(
    error: BaseException,
    is_used: bool,
    is_passed_on: bool,
) -> None:
    resource = Resource()

    def run() -> None:
        with opened_in_background(resource.open()) as wait:
            resource.may_open.set()
            if is_used:
                wait()
            raise error

    with pytest.raises(type(error)):
        run()
    assert resource.closed_with == [error if is_passed_on else None]


def test_error_of_the_opening_is_raised_to_who_waits() -> None:
    resource = Resource(ValueError("no Java"))
    resource.may_open.set()
    with pytest.raises(ValueError, match="no Java"), opened_in_background(resource.open()) as wait:
        wait()
    with opened_in_background(Resource.open(resource)):
        pass
    assert resource.closed_with == []
