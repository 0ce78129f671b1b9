"""Supervision of streams: a failed one restarts alone, with exponential backoff; progress is logged every 10 s."""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql.streaming.query import StreamingQuery
from structlog.stdlib import BoundLogger

from lakehouse.errors import LakehouseError
from lakehouse.retries import exponential_backoff

LAKEHOUSE_ERROR_PATTERN = re.compile(r"^lakehouse\.errors\.\w+: (.+)$", re.MULTILINE)
CHECK_INTERVAL_S, PROGRESS_LOG_INTERVAL_S = 0.2, 10.0
restart_delay = exponential_backoff(initial=1.0, maximum=10.0)


@dataclass
class Stream:
    """A table's stream: how to start it, its running query, and when to retry after a failure."""

    start: Callable[[], StreamingQuery]
    query: StreamingQuery | None = None
    failures: int = 0
    retry_at: float = 0.0
    last_batch_id: int = -1


def supervise(
    starts: Mapping[str, Callable[[], StreamingQuery]],
    log: BoundLogger,
    should_stop: Callable[[float], bool],
    heartbeat: Callable[[], None] = lambda: None,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Start the streams and restart those that fail, until `should_stop` returns true.

    `should_stop` waits for at most the seconds given. `heartbeat` is called in each round in which all streams run.
    `clock` returns seconds.
    """
    streams = {name: Stream(start) for name, start in starts.items()}
    last_logged_at = clock()
    while not should_stop(CHECK_INTERVAL_S):
        for name, stream in streams.items():
            _restart_if_failed(name, stream, log, clock())
        if all(stream.query and not stream.failures for stream in streams.values()):
            heartbeat()
        if clock() - last_logged_at >= PROGRESS_LOG_INTERVAL_S:
            last_logged_at = clock()
            _log_progress(streams, log)
    for stream in streams.values():
        if stream.query:
            stream.query.stop()


def _restart_if_failed(name: str, stream: Stream, log: BoundLogger, now: float) -> None:
    if stream.query and stream.query.isActive:
        if stream.failures and stream.query.lastProgress:
            stream.failures = 0
        return
    if stream.query:
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


def _log_progress(streams: Mapping[str, Stream], log: BoundLogger) -> None:
    for name, stream in streams.items():
        recent_batches = stream.query.recentProgress if stream.query else []
        new_batches = [batch for batch in recent_batches if batch["batchId"] > stream.last_batch_id]
        rows = sum(batch["numInputRows"] for batch in new_batches)
        if new_batches and rows:
            metrics = new_batches[-1]["sources"][0].get("metrics") or {}
            log.info("batch_appended", table=name, rows=rows, lag=int(metrics.get("maxOffsetsBehindLatest", 0)))
        if new_batches:
            stream.last_batch_id = new_batches[-1]["batchId"]


def _root_cause_text(error: Exception | None) -> str:
    """Return the text of our own error, however deep Spark wrapped it, or the first line of another error."""
    own_error = LAKEHOUSE_ERROR_PATTERN.search(str(error))
    if own_error:
        return own_error[1]
    return str(error).strip().splitlines()[0][:300] if error and str(error).strip() else type(error).__name__
