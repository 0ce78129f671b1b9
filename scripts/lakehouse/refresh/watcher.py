"""A watcher: one process and one JVM that keep the current figures fresh until they are stopped.

Each refresh takes the lock and releases it, so that a command gets its turn in between.
"""

import signal
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from types import FrameType

from lakehouse.cdc.merge.table_errors import describe_unexpected
from lakehouse.cdc.table_store import TableStore
from lakehouse.clock import today
from lakehouse.contracts import CAPTURED
from lakehouse.errors import LakehouseError, keep_traceback
from lakehouse.healthcheck import make_heartbeat
from lakehouse.logs import logger
from lakehouse.refresh.bronze_position import BronzePosition, PositionReader
from lakehouse.refresh.options import RefreshOptions
from lakehouse.refresh.refresh_job import run_refresh
from lakehouse.refresh.runs import Run
from lakehouse.refresh.watch_loop import Pace, refresh_when_moved
from lakehouse.retries import StopSignal
from lakehouse.settings import Settings
from lakehouse.spark.reusable_session import ReusableSession
from lakehouse.spark.session import session

LOCAL_LOOK_INTERVAL_S = 1.0
log = logger("watcher")


def watch(settings: Settings, options: RefreshOptions, interval: float) -> None:
    """Refresh whenever Bronze has moved, at most once per interval of seconds, until SIGTERM.

    A refresh under way is ended: the next start repeats it. After Ctrl-C, KeyboardInterrupt is raised.
    """
    interruption = Interruption()
    sessions = ReusableSession(partial(session, settings, "refresh"))
    interruption.kill_jvm = sessions.kill_if_open
    interruption.install()
    positions = PositionReader(TableStore(settings.lake), CAPTURED, today)

    def refresh() -> BronzePosition:
        before, began = positions.read(), time.monotonic()
        run = run_refresh(settings, replace(options, day=before.day), sessions.open, journal_unchanged=False)
        log_run(run, time.monotonic() - began)
        return replace(before, offsets=run.input_offsets)

    log.info("watch_started", interval_s=interval)
    try:
        refresh_when_moved(
            positions.read,
            refresh,
            Pace(interval, look_interval(settings.lake, interval)),
            wait=interruption.stop.wait,
            clock=time.monotonic,
            on_failure=interruption.unless_stopped(log_failure),
            heartbeat=make_heartbeat(settings.heartbeat_file),
        )
    except BaseException:
        # Once the JVM is killed, the error may be any.
        if not interruption.stop.is_set():
            raise
    finally:
        sessions.close()
    log.info("watch_stopped")
    if interruption.is_from_keyboard:
        raise KeyboardInterrupt


def look_interval(lake: str, interval: float) -> float:
    """Return the seconds between two looks: each is a request to an object store, and nothing to a local disk."""
    return interval if "://" in lake else min(interval, LOCAL_LOOK_INTERVAL_S)


def log_run(run: Run, elapsed: float) -> None:
    """Log what a refresh did, and how many seconds it took with all its waits."""
    log.info(
        "refresh_completed",
        changes=sum(result.changes for result in run.catch_up_results),
        refused=sum(result.refused for result in run.catch_up_results),
        figures=sorted(run.written_models),
        proof=run.proof.state,
        seconds=round(elapsed, 1),
    )
    for total, share in run.anomalies.items():
        log.warning("total_moved", total=total, share=round(share, 4))


def log_failure(error: Exception, pause: float) -> None:
    """Log why a refresh failed. Another error than ours may quote a row: its text is kept in a private file."""
    if isinstance(error, LakehouseError):
        log.error("refresh_failed", reason=str(error), retry_in_s=pause)
    else:
        log.error("refresh_failed", reason=describe_unexpected(error), hint=keep_traceback(error), retry_in_s=pause)


class Interruption:
    """SIGTERM and Ctrl-C: whatever runs is ended, since a refresh takes longer than a service has to stop."""

    def __init__(self) -> None:
        self.stop, self.kill_jvm = StopSignal(), _do_nothing
        self.is_from_keyboard = False

    def install(self) -> None:
        """Handle both signals. PySpark would set a handler of its own for a session that the main thread opens."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)

    def unless_stopped(self, report: Callable[[Exception, float], None]) -> Callable[[Exception, float], None]:
        """Return a function that reports an error unless it is the consequence of a signal."""

        def report_unless_stopped(error: Exception, pause: float) -> None:
            if not self.stop.is_set():
                report(error, pause)

        return report_unless_stopped

    def _end(self, number: int, _frame: FrameType | None) -> None:
        self.stop.set()
        self.is_from_keyboard = number == signal.SIGINT
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # a second Ctrl-C ends the clean-up
        self.kill_jvm()
        raise KeyboardInterrupt


def _do_nothing() -> None:
    pass
