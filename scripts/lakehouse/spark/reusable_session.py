"""A Spark session that one job after another uses. After an error, its JVM is replaced by another one."""

import gc
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from subprocess import Popen, TimeoutExpired
from typing import Any

from pyspark import SparkContext
from pyspark.sql import SparkSession

STOP_TIMEOUT_S = 5.0


class ReusableSession:
    """A session that `start` enters when it is first opened.

    PySpark has one JVM a process. One that runs before this session starts is another's: it is never ended.
    """

    def __init__(self, start: Callable[[], AbstractContextManager[SparkSession]]) -> None:
        self._enter = start
        self._spark: SparkSession | None = None
        self._is_open = self._has_own_jvm = False
        self._exits = ExitStack()

    @contextmanager
    def open(self) -> Iterator[SparkSession]:
        """Yield the session. After an error in the block, the next call starts another JVM."""
        self._is_open = True
        try:
            yield self._spark or self._start()
            _free_memory()
        except BaseException:
            self.close()
            raise
        finally:
            self._is_open = False

    def kill_if_open(self) -> None:
        """Kill the JVM while a job uses it, whose calls then fail at once. A signal's handler may call this."""
        if self._is_open and self._has_own_jvm and (jvm := _jvm_process()):
            jvm.kill()

    def close(self) -> None:
        """End the JVM, and have PySpark start another one when it is asked next."""
        if self._has_own_jvm and (jvm := _jvm_process()):
            jvm.terminate()
            with suppress(TimeoutExpired):
                jvm.wait(STOP_TIMEOUT_S)
            jvm.kill()
            jvm.wait()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PySpark's, that the JVM is gone
            with suppress(Exception):
                self._exits.close()
            if self._has_own_jvm:
                _forget_jvm()
        self._spark, self._has_own_jvm = None, False

    def _start(self) -> SparkSession:
        self._has_own_jvm = _jvm_process() is None
        self._spark = self._exits.enter_context(self._enter())
        return self._spark


def _forget_jvm() -> None:
    """Have PySpark start another JVM. It has no public way to forget one."""
    # Without its JVM, the stop of a context ends half-way. Its second call does the rest.
    with suppress(Exception):
        context: Any = SparkContext._active_spark_context  # noqa: SLF001
        if context:
            context.stop()
    SparkContext._gateway = SparkContext._jvm = SparkContext._active_spark_context = None  # noqa: SLF001


def _jvm_process() -> "Popen[bytes] | None":
    gateway: Any = SparkContext._gateway  # noqa: SLF001 - PySpark has no public name for it
    return getattr(gateway, "proc", None)


def _free_memory() -> None:
    """Return what the last job left to the machine: Python's references first, which keep the JVM's objects."""
    gc.collect()
    gateway: Any = SparkContext._gateway  # noqa: SLF001
    if gateway:
        gateway.jvm.java.lang.System.gc()
