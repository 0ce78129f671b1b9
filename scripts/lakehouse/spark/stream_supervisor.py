"""Supervision of streams: a failed one restarts alone, with exponential backoff; what was taken in is logged.

They are healthy while each one runs, none dies again and again, and what all depend on is there.
"""

import re
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql.streaming.query import StreamingQuery
from structlog.stdlib import BoundLogger

from lakehouse.errors import LakehouseError
from lakehouse.retries import MAX_RESTARTS, RESTART_WINDOW_S, exponential_backoff

LAKEHOUSE_ERROR_PATTERN = re.compile(r"^lakehouse\.errors\.\w+: (.+)$", re.MULTILINE)
LOOP_INTERVAL_S, CHECK_INTERVAL_S = 0.2, 5.0
BATCH_LOG_INTERVAL_S, PROGRESS_LOG_INTERVAL_S = 10.0, 600.0
# Short enough for all streams to run again within ten seconds of the end of an outage.
restart_delay = exponential_backoff(initial=1.0, maximum=4.0)


@dataclass
class Stream:
    """A table's stream: how to start it, its running query, its failures, and what was logged of it.

    A start that is refused is a failure, and no death.
    """

    start: Callable[[], StreamingQuery]
    query: StreamingQuery | None = None
    failures: int = 0
    retry_at: float = 0.0
    died_at: deque[float] = field(default_factory=lambda: deque(maxlen=MAX_RESTARTS + 1))
    last_batch_id: int = -1
    rows_since_progress_log: int = 0

    def is_healthy(self, now: float) -> bool:
        """Return whether it runs, and was not restarted more than MAX_RESTARTS times in the last minute."""
        recent_deaths = sum(now - at < RESTART_WINDOW_S for at in self.died_at)
        return self.query is not None and not self.failures and recent_deaths <= MAX_RESTARTS


class PeriodicCheck:
    """A check that is made every CHECK_INTERVAL_S; its result holds until the next. A new reason is logged once."""

    def __init__(self, check: Callable[[], object], log: BoundLogger, clock: Callable[[], float]) -> None:
        self._check, self._log, self._clock = check, log, clock
        self._next_at, self._reason = clock(), ""

    def passes(self) -> bool:
        if self._clock() >= self._next_at:
            try:
                self._check()
                reason = ""
            except LakehouseError as error:
                reason = str(error)
            if reason and reason != self._reason:
                self._log.error("streams_not_ready", reason=reason)
            elif self._reason and not reason:
                self._log.info("streams_ready_again")
            self._reason, self._next_at = reason, self._clock() + CHECK_INTERVAL_S
        return not self._reason


def supervise(
    starts: Mapping[str, Callable[[], StreamingQuery]],
    log: BoundLogger,
    should_stop: Callable[[float], bool],
    heartbeat: Callable[[], None] = lambda: None,
    clock: Callable[[], float] = time.monotonic,
    check: Callable[[], object] = lambda: None,
) -> None:
    """Start the streams and restart those that fail, until `should_stop` returns true.

    `should_stop` waits for at most the seconds given. `heartbeat` is called in each round in which all streams are
    healthy and the last `check` raised no LakehouseError. `clock` returns seconds.
    """
    streams = {name: Stream(start) for name, start in starts.items()}
    periodic_check = PeriodicCheck(check, log, clock)
    batches_logged_at = progress_logged_at = clock()
    while not should_stop(LOOP_INTERVAL_S):
        for name, stream in streams.items():
            _restart_if_failed(name, stream, log, clock())
        if periodic_check.passes() and all(stream.is_healthy(clock()) for stream in streams.values()):
            heartbeat()
        if clock() - batches_logged_at >= BATCH_LOG_INTERVAL_S:
            batches_logged_at = clock()
            for name, stream in streams.items():
                _log_batches(name, stream, log)
        if clock() - progress_logged_at >= PROGRESS_LOG_INTERVAL_S:
            progress_logged_at = clock()
            for name, stream in streams.items():
                _log_progress(name, stream, log)
    for stream in streams.values():
        if stream.query:
            # The signal that ends this process ends its JVM at the same time.
            with suppress(Py4JError, PySparkException, OSError):
                stream.query.stop()


def _restart_if_failed(name: str, stream: Stream, log: BoundLogger, now: float) -> None:
    if stream.query and stream.query.isActive:
        if stream.failures and stream.query.lastProgress:
            stream.failures = 0
        return
    if stream.query:
        _log_batches(name, stream, log)
        stream.died_at.append(now)
        _record_failure(name, stream, stream.query.exception(), log, now)
        stream.query = None
    if now >= stream.retry_at:
        try:
            stream.query, stream.last_batch_id = stream.start(), -1
            log.info("stream_started", table=name)
        except (LakehouseError, PySparkException, Py4JError) as error:
            _record_failure(name, stream, error, log, now)


def _record_failure(name: str, stream: Stream, error: Exception | None, log: BoundLogger, now: float) -> None:
    stream.failures += 1
    stream.retry_at = now + restart_delay(stream.failures)
    log.error("stream_failed", table=name, error=_root_cause_text(error), retry_in_s=restart_delay(stream.failures))


def _log_batches(name: str, stream: Stream, log: BoundLogger) -> None:
    """Log the rows of the batches that ended since the last call, if there are any.

    An idle trigger reports the id of the batch to come: only a batch with rows has an id of its own.
    """
    reports = stream.query.recentProgress if stream.query else []
    batches = [report for report in reports if report["numInputRows"] and report["batchId"] > stream.last_batch_id]
    if batches:
        rows = sum(batch["numInputRows"] for batch in batches)
        log.info("batch_appended", table=name, rows=rows, lag=_lag(batches[-1]))
        stream.last_batch_id = batches[-1]["batchId"]
        stream.rows_since_progress_log += rows


def _log_progress(name: str, stream: Stream, log: BoundLogger) -> None:
    """Log a stream's rows since the last call, also where there are none, and its lag."""
    _log_batches(name, stream, log)
    reports = stream.query.recentProgress if stream.query else []
    lag = _lag(reports[-1]) if reports else None
    log.info("stream_progress", table=name, rows=stream.rows_since_progress_log, lag=lag, running=bool(stream.query))
    stream.rows_since_progress_log = 0


def _lag(report: Mapping[str, Any]) -> int:
    """Return how many messages the stream was behind the topic's end when it reported."""
    metrics = report["sources"][0].get("metrics") or {}
    return int(float(metrics.get("maxOffsetsBehindLatest", 0)))


def _root_cause_text(error: Exception | None) -> str:
    """Return the text of our own error, however deep Spark wrapped it, or the first line of another error."""
    own_error = LAKEHOUSE_ERROR_PATTERN.search(str(error))
    if own_error:
        return own_error[1]
    return str(error).strip().splitlines()[0][:300] if error and str(error).strip() else type(error).__name__
