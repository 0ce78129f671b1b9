"""The work of several tables at once: their plans are made by one thread each, and Spark has cores to spare."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from lakehouse.errors import LakehouseError

MAX_THREADS = 3
T = TypeVar("T")
R = TypeVar("R")


def parallel_map(work: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """Give what the work makes of each item, in their order; one that fails fails them all, once the rest has ended."""
    with ThreadPoolExecutor(MAX_THREADS) as pool:
        return list(pool.map(work, items))


def parallel_map_collecting_errors(work: Callable[[T], R], items: Iterable[T]) -> list[R | LakehouseError]:
    """Give what the work makes of each item, or the error that it refused it with."""

    def result_or_error(item: T) -> R | LakehouseError:
        try:
            return work(item)
        except LakehouseError as error:
            return error

    return parallel_map(result_or_error, items)
