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
from lakehouse.waiting import pauses

OURS = re.compile(r"^lakehouse\.errors\.\w+: (.+)$", re.MULTILINE)
LOOKED_AFTER_EVERY, TOLD_EVERY = 0.2, 10.0
pause = pauses(first=1.0, longest=10.0)


@dataclass
class Flow:
    """One table's flow: how to start it, the query that runs, and when to try again after a failure."""

    start: Callable[[], StreamingQuery]
    query: StreamingQuery | None = None
    failures: int = 0
    retry_at: float = 0.0
    told: int = -1


def watch(
    starts: Mapping[str, Callable[[], StreamingQuery]],
    log: BoundLogger,
    ends: Callable[[float], bool],
    well: Callable[[], None] = lambda: None,
) -> None:
    """Start the flows and keep them running; `well` is called again and again as long as they all do.

    `ends` waits so many seconds, or less, and says whether to stop them.
    """
    flows = {name: Flow(start) for name, start in starts.items()}
    told_at = time.monotonic()
    while not ends(LOOKED_AFTER_EVERY):
        for name, flow in flows.items():
            _look_after(name, flow, log)
        if all(flow.query and not flow.failures for flow in flows.values()):
            well()
        if time.monotonic() - told_at >= TOLD_EVERY:
            told_at = time.monotonic()
            _tell(flows, log)
    for flow in flows.values():
        if flow.query:
            flow.query.stop()


def _look_after(name: str, flow: Flow, log: BoundLogger) -> None:
    if flow.query and flow.query.isActive:
        if flow.failures and flow.query.lastProgress:
            flow.failures = 0
        return
    if flow.query:
        _failed(name, flow, flow.query.exception(), log)
        flow.query = None
    if time.monotonic() >= flow.retry_at:
        try:
            flow.query, flow.told = flow.start(), -1
            log.info("flow started", table=name)
        except (LakehouseError, PySparkException, Py4JError) as error:
            _failed(name, flow, error, log)


def _failed(name: str, flow: Flow, error: Exception | None, log: BoundLogger) -> None:
    flow.failures += 1
    flow.retry_at = time.monotonic() + pause(flow.failures)
    log.error("flow stopped", table=name, why=_why(error), next_try_in_s=pause(flow.failures))


def _tell(flows: Mapping[str, Flow], log: BoundLogger) -> None:
    for name, flow in flows.items():
        fresh = [p for p in (flow.query.recentProgress if flow.query else []) if p["batchId"] > flow.told]
        rows = sum(p["numInputRows"] for p in fresh)
        if fresh and rows:
            metrics = fresh[-1]["sources"][0].get("metrics") or {}
            log.info("taken in", table=name, rows=rows, lag=int(metrics.get("maxOffsetsBehindLatest", 0)))
        if fresh:
            flow.told = fresh[-1]["batchId"]


def _why(error: Exception | None) -> str:
    """Give the text of our own error, however deep Spark wrapped it, or the first line of another's."""
    ours = OURS.search(str(error))
    if ours:
        return ours[1]
    return str(error).strip().splitlines()[0][:300] if error and str(error).strip() else type(error).__name__
