"""Work in threads: on several tables, since Spark has cores to spare, and on what a job needs only later."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TypeVar

from lakehouse.errors import LakehouseError

MAX_THREADS = 3
T = TypeVar("T")
R = TypeVar("R")


def parallel_map(work: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """Return the result of `work` for each item, in order; raise the first error once the running ones have ended."""
    with ThreadPoolExecutor(MAX_THREADS) as pool:
        return list(pool.map(work, items))


def parallel_map_collecting_errors(work: Callable[[T], R], items: Iterable[T]) -> list[R | LakehouseError]:
    """Return the result of `work` for each item, in order, or the LakehouseError that it raised."""

    def result_or_error(item: T) -> R | LakehouseError:
        try:
            return work(item)
        except LakehouseError as error:
            return error

    return parallel_map(result_or_error, items)


@contextmanager
def opened_in_background(resource: AbstractContextManager[T]) -> Iterator[Callable[[], T]]:
    """Open a resource in a thread, and yield a function that waits for it.

    The function raises what the opening has raised. What was opened is closed at the end. It gets the block's error
    only where it was used, or the block was interrupted.
    """
    is_used = False

    def wait() -> T:
        nonlocal is_used
        is_used = True
        return opening.result()

    with ExitStack() as exits:
        try:
            with ThreadPoolExecutor(1) as pool:
                opening = pool.submit(exits.enter_context, resource)
                yield wait
        except Exception:
            if not is_used:
                exits.close()
            raise
