"""Keep flows running: one that failed restarts alone, with growing pauses; what they did is told every ten seconds."""

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
class Flow:
    """One table's flow: how to start it, the query that runs, and when to try again after a failure."""

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
    """Start the flows and keep them running; `well` is called again and again as long as they all do.

    `ends` waits so many seconds, or less, and says whether to stop them.
    """
    flows = {name: Flow(start) for name, start in starts.items()}
    last_logged_at = clock()
    while not should_stop(CHECK_INTERVAL_S):
        for name, flow in flows.items():
            _restart_if_failed(name, flow, log, clock())
        if all(flow.query and not flow.failures for flow in flows.values()):
            heartbeat()
        if clock() - last_logged_at >= PROGRESS_LOG_INTERVAL_S:
            last_logged_at = clock()
            _log_progress(flows, log)
    for flow in flows.values():
        if flow.query:
            flow.query.stop()


def _restart_if_failed(name: str, flow: Flow, log: BoundLogger, now: float) -> None:
    if flow.query and flow.query.isActive:
        if flow.failures and flow.query.lastProgress:
            flow.failures = 0
        return
    if flow.query:
        _record_failure(name, flow, flow.query.exception(), log, now)
        flow.query = None
    if now >= flow.retry_at:
        try:
            flow.query, flow.last_batch_id = flow.start(), -1
            log.info("stream_started", table=name)
        except (LakehouseError, PySparkException, Py4JError) as error:
            _record_failure(name, flow, error, log, now)


def _record_failure(name: str, flow: Flow, error: Exception | None, log: BoundLogger, now: float) -> None:
    flow.failures += 1
    flow.retry_at = now + restart_delay(flow.failures)
    log.error("stream_failed", table=name, error=_root_cause(error), retry_in_s=restart_delay(flow.failures))


def _log_progress(flows: Mapping[str, Flow], log: BoundLogger) -> None:
    for name, flow in flows.items():
        fresh = [p for p in (flow.query.recentProgress if flow.query else []) if p["batchId"] > flow.last_batch_id]
        rows = sum(p["numInputRows"] for p in fresh)
        if fresh and rows:
            metrics = fresh[-1]["sources"][0].get("metrics") or {}
            log.info("batch_appended", table=name, rows=rows, lag=int(metrics.get("maxOffsetsBehindLatest", 0)))
        if fresh:
            flow.last_batch_id = fresh[-1]["batchId"]


def _root_cause(error: Exception | None) -> str:
    """Give the text of our own error, however deep Spark wrapped it, or the first line of another's."""
    own_error = LAKEHOUSE_ERROR_PATTERN.search(str(error))
    if own_error:
        return own_error[1]
    return str(error).strip().splitlines()[0][:300] if error and str(error).strip() else type(error).__name__
