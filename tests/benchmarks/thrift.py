"""How long a question over Thrift takes, alone and among sixteen, and how soon a commit is seen."""

import time
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue
from threading import Thread

from pyhive import hive

from benchmarks.jobs import JOB_TIMEOUT, REFRESH_COMMAND, simulate_activities
from benchmarks.measurements import Measurement
from benchmarks.options import Options
from benchmarks.samples import percentile
from benchmarks.system import BenchmarkSystem
from lakehouse.errors import LakehouseError
from lakehouse.retries import wait_until
from lakehouse.serving.client import execute, open_session
from lakehouse.settings import Settings

SECTION = "thrift"
SMALL_SIZE, SINGLE_CLIENT_TARGET_MS, CONCURRENT_TARGET_MS = (
    10_000,
    100.0,
    1_000.0,
)  # activities, and the p50 and p95 to reach up to there, in ms
CLIENTS, QUERIES_PER_CLIENT = 16, 10
WARM_UP_QUERIES = 5
MAX_REPEAT_SECONDS = 60.0  # seconds after which a question is not asked again
PERCENTILES = (50, 95)
QUERIES = {
    "v_prime_sportive": "SELECT * FROM gold.v_prime_sportive",
    "v_wellbeing": "SELECT * FROM gold.v_wellbeing",
    "by business unit": "SELECT business_unit, count(*), sum(montant_prime) FROM gold.v_prime_sportive GROUP BY 1",
}


def measure(system: BenchmarkSystem, options: Options, size: int, *, plain: bool) -> Iterator[Measurement]:
    """Give the lines of one size."""
    system.log(f"questions over Thrift at {size:,}")
    with open_session(system.settings) as cursor:
        limit_durations = time_query(cursor, "SELECT 1", options.queries)
    for name in QUERIES:
        yield from _to_measurements(
            f"{name} at {size:,}", limit_durations, "limit", SINGLE_CLIENT_TARGET_MS if size <= SMALL_SIZE else None
        )
    yield from _measure_queries(system.settings, options, size, "ours")
    yield Measurement(SECTION, f"commit → seen over Thrift at {size:,}", "ms", ours=measure_freshness(system))
    if plain:
        with system.override_service("spark-thrift", system.plain_settings):
            yield from _measure_queries(system.settings, options, size, "plain")


def time_query(cursor: hive.Cursor, sql: str, times: int, warm: int = WARM_UP_QUERIES) -> list[float]:
    """Give how long a question takes, asked again and again, in milliseconds."""
    durations, deadline = list[float](), time.monotonic() + MAX_REPEAT_SECONDS
    for _ in range(warm + times):
        started_at = time.monotonic()
        execute(cursor, sql)
        durations.append(1000 * (time.monotonic() - started_at))
        if time.monotonic() > deadline and len(durations) > warm:
            break
    return durations[warm:]


def measure_freshness(system: BenchmarkSystem) -> float:
    """Give the milliseconds from a refresh's commit of its run to a question that sees it."""
    runs = f"{system.settings.lake}/gold/runs"
    simulate_activities(system)
    with (
        open_session(system.settings) as cursor,
        system.start_process(system.settings, *REFRESH_COMMAND) as refresh_process,
    ):
        count_query = f"SELECT count(*) FROM delta.`{runs}`"  # noqa: S608 - our own table
        before = execute(cursor, count_query).rows

        def is_visible() -> bool:
            if refresh_process.poll():
                raise LakehouseError("the refresh failed; see bench.log")
            return execute(cursor, count_query).rows != before

        wait_until(is_visible, timeout=JOB_TIMEOUT, missing="the run to be seen over Thrift", interval=0.01)
        visible_at = time.time()
        wait_until(lambda: refresh_process.poll() is not None, timeout=600, missing="the refresh to end")
    committed_at = max(entry.stat().st_mtime for entry in (Path(runs) / "_delta_log").glob("*.json"))
    return 1000 * (visible_at - committed_at)


def _measure_queries(settings: Settings, options: Options, size: int, side: str) -> Iterator[Measurement]:
    with open_session(settings) as cursor:
        for name, sql in QUERIES.items():
            yield from _to_measurements(f"{name} at {size:,}", time_query(cursor, sql, options.queries), side)
    durations = _time_concurrent_queries(settings, QUERIES["v_prime_sportive"])
    target = CONCURRENT_TARGET_MS if size <= SMALL_SIZE else None
    yield Measurement(SECTION, f"{CLIENTS} clients at {size:,}, p95", "ms", target=target).with_value(
        side, percentile(durations, 95)
    )


def _to_measurements(name: str, durations: list[float], side: str, p50: float | None = None) -> Iterator[Measurement]:
    for percent in PERCENTILES:
        target = p50 if percent == PERCENTILES[0] else None
        yield Measurement(SECTION, f"{name}, p{percent} (limit: SELECT 1)", "ms", target=target).with_value(
            side, percentile(durations, percent)
        )


def _time_concurrent_queries(settings: Settings, sql: str) -> list[float]:
    """Give how long each question of several clients took, who all ask at the same time."""
    results = SimpleQueue[list[float] | Exception]()
    for _ in range(CLIENTS):
        # Nobody waits for them to close: of sessions that are closed at once Spark's server may leave one hanging.
        Thread(target=_run_client, args=[settings, sql, results], daemon=True).start()
    client_results = [results.get(timeout=JOB_TIMEOUT) for _ in range(CLIENTS)]
    if failed := [one for one in client_results if isinstance(one, Exception)]:
        raise failed[0]
    return [took for one in client_results if isinstance(one, list) for took in one]


def _run_client(settings: Settings, sql: str, results: "SimpleQueue[list[float] | Exception]") -> None:
    try:
        with open_session(settings) as cursor:
            results.put(time_query(cursor, sql, QUERIES_PER_CLIENT, warm=1))
    except Exception as error:  # noqa: BLE001 - whoever waits for the answer raises it
        results.put(error)
