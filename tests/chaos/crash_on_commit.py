"""Run a Spark job that can crash before or after any of its commits: -m chaos.crash_on_commit SCRIPT [ARGS]."""

import runpy
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

from pyspark.java_gateway import ensure_callback_server_started

from chaos.failpoints import AFTER_COMMIT, BEFORE_COMMIT, DISK_FULL, crash_at, fill_disk_at
from lakehouse.cdc.lake import Lake


class CommitObserver:
    """An observer of Delta's transactions, with failpoints before and after the commit.

    It implements Delta's TransactionExecutionObserver; the methods with an argument must run the step themselves.
    """

    def __init__(self, table: str) -> None:
        self._table = table

    def startingTransaction(self, begin: Any) -> Any:
        return begin.apply()

    def preparingCommit(self, prepare: Any) -> Any:
        return prepare.apply()

    def beginDoCommit(self) -> None:
        crash_at(f"{self._table} {BEFORE_COMMIT}")
        fill_disk_at(f"{self._table} {DISK_FULL}")

    def beginBackfill(self) -> None:
        pass

    def beginPostCommit(self) -> None:
        crash_at(f"{self._table} {AFTER_COMMIT}")

    def transactionCommitted(self) -> None:
        pass

    def transactionAborted(self) -> None:
        pass

    def createChild(self) -> "CommitObserver":
        return self

    class Java:
        implements = ("org.apache.spark.sql.delta.TransactionExecutionObserver",)


def main() -> None:
    Lake.append = _with_observer(Lake.append, table_index=1)  # type: ignore[method-assign]
    Lake.overwrite = _with_observer(Lake.overwrite, table_index=1)  # type: ignore[method-assign]
    Lake.table = _with_observer(Lake.table, table_index=0)  # type: ignore[method-assign]
    sys.argv = sys.argv[1:]
    runpy.run_path(sys.argv[0], run_name="__main__")


def _with_observer(write: Callable[..., Any], *, table_index: int) -> Callable[..., Any]:
    """Return the method with an observer set for its thread's next transaction.

    The layer and the table are the arguments at `table_index` and the one after it.
    """

    @wraps(write)
    def wrapper(lake: Lake, *arguments: Any, **named: Any) -> Any:
        context: Any = lake.spark.sparkContext
        ensure_callback_server_started(context._gateway)  # type: ignore[no-untyped-call]  # noqa: SLF001 - py4j's gateway
        delta = context._jvm.org.apache.spark.sql.delta  # noqa: SLF001 - the observer is Scala's alone
        delta.TransactionExecutionObserver.setObserver(
            CommitObserver("/".join(arguments[table_index : table_index + 2]))
        )
        return write(lake, *arguments, **named)

    return wrapper


if __name__ == "__main__":
    main()
