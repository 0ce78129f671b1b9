"""A running process and its children."""

from collections.abc import Callable, Iterator
from typing import TypeVar

import psutil

T = TypeVar("T")


def read_family(process: psutil.Process, read: Callable[[psutil.Process], T]) -> Iterator[T]:
    """Yield what is read of a process and of each of its children, but of those that end meanwhile.

    A JVM starts children that live for milliseconds.
    """
    yield read(process)
    for child in process.children(recursive=True):
        try:
            value = read(child)
        except psutil.NoSuchProcess:  # a zombie is one too
            continue
        yield value
