"""Parallel work on several tables: one thread plans the queries of a table, and Spark has cores to spare."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
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
