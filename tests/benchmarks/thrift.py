"""The duration of a query over Thrift, by one and by sixteen clients, and the delay until commits are visible."""

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

THRIFT_SECTION = "thrift"
MAX_TARGET_SIZE = 10_000  # activities, up to which the targets apply
SINGLE_CLIENT_TARGET_RATIO, CONCURRENT_TARGET_MS = 1.5, 500.0  # p50 of one client, p95 of all
CLIENTS, QUERIES_PER_CLIENT = 16, 10
WARM_UP_QUERIES = 5
GATE_ROUNDS = 5
MAX_REPEAT_SECONDS = 60.0  # seconds after which a query is not repeated
QUERY_PERCENTILES = (50, 95)
QUERIES = {
    "v_prime_sportive": "SELECT * FROM gold.v_prime_sportive",
    "v_wellbeing": "SELECT * FROM gold.v_wellbeing",
    "v_kpi": "SELECT * FROM gold.v_kpi",
    "by business unit": "SELECT business_unit, count(*), sum(montant_prime) FROM gold.v_prime_sportive GROUP BY 1",
}


def measure(system: BenchmarkSystem, options: Options, size: int, *, plain: bool) -> Iterator[Measurement]:
    """Yield the measurements of one size: the limit (SELECT 1), each query, freshness, and the plain server."""
    system.log(f"queries over Thrift at {size:,}")
    with open_session(system.settings) as cursor:
        limit_durations = time_query(cursor, "SELECT 1", options.queries)
    for name in QUERIES:
        yield from _to_measurements(
            f"{name} at {size:,}",
            limit_durations,
            "limit",
            SINGLE_CLIENT_TARGET_RATIO if size <= MAX_TARGET_SIZE else None,
        )
    yield from _measure_queries(system.settings, options, size, "ours")
    yield _measure_gate(system.settings, options, size)
    yield Measurement(THRIFT_SECTION, f"commit → seen over Thrift at {size:,}", "ms", ours=measure_freshness(system))
    if plain:
        with system.override_service("spark-thrift", system.plain_settings):
            yield from _measure_queries(system.settings, options, size, "plain")


def time_query(cursor: hive.Cursor, sql: str, times: int, warm: int = WARM_UP_QUERIES) -> list[float]:
    """Return the milliseconds of each repetition of a query, after `warm` repetitions that do not count."""
    durations, deadline = list[float](), time.monotonic() + MAX_REPEAT_SECONDS
    for _ in range(warm + times):
        started_at = time.monotonic()
        execute(cursor, sql)
        durations.append(1000 * (time.monotonic() - started_at))
        if time.monotonic() > deadline and len(durations) > warm:
            break
    return durations[warm:]


def measure_freshness(system: BenchmarkSystem) -> float:
    """Return the milliseconds from a refresh's commit to gold.runs until a query over Thrift returns it."""
    runs = f"{system.settings.lake}/gold/runs"
    simulate_activities(system)
    with (
        open_session(system.settings, as_owner=True) as cursor,
        system.start_process(system.settings, *REFRESH_COMMAND) as refresh_process,
    ):
        count_query = f"SELECT count(*) FROM delta.`{runs}`"  # noqa: S608 - the project's own table
        before = execute(cursor, count_query).rows

        def is_visible() -> bool:
            if refresh_process.poll():
                raise LakehouseError("the refresh failed; see bench.log")
            return execute(cursor, count_query).rows != before

        wait_until(is_visible, timeout=JOB_TIMEOUT, missing="the run to be visible over Thrift", interval=0.01)
        visible_at = time.time()
        wait_until(lambda: refresh_process.poll() is not None, timeout=600, missing="the refresh to end")
    committed_at = max(entry.stat().st_mtime for entry in (Path(runs) / "_delta_log").glob("*.json"))
    return 1000 * (visible_at - committed_at)


def _measure_queries(settings: Settings, options: Options, size: int, side: str) -> Iterator[Measurement]:
    with open_session(settings) as cursor:
        for name, sql in QUERIES.items():
            yield from _to_measurements(f"{name} at {size:,}", time_query(cursor, sql, options.queries), side)
    durations = _time_concurrent_queries(settings, QUERIES["v_prime_sportive"])
    target = CONCURRENT_TARGET_MS if size <= MAX_TARGET_SIZE else None
    yield Measurement(THRIFT_SECTION, f"{CLIENTS} clients at {size:,}, p95", "ms", target=target).with_value(
        side, percentile(durations, 95)
    )


def _measure_gate(settings: Settings, options: Options, size: int) -> Measurement:
    """Return a query's p50 for a reader, whose statements are checked; the limit is the owner's, whose are not."""
    name = "v_prime_sportive"
    sides: dict[str, list[float]] = {"ours": [], "limit": []}
    with open_session(settings) as reader, open_session(settings, as_owner=True) as owner:
        for _ in range(GATE_ROUNDS):  # in turn, so that both have the machine's good and bad moments
            for side, cursor in (("ours", reader), ("limit", owner)):
                sides[side] += time_query(cursor, QUERIES[name], max(1, options.queries // GATE_ROUNDS), warm=1)
    measured = Measurement(THRIFT_SECTION, f"{name} through the gate at {size:,}, p50 (limit: without)", "ms")
    for side, durations in sides.items():
        measured = measured.with_value(side, percentile(durations, 50))
    return measured


def _to_measurements(name: str, durations: list[float], side: str, p50: float | None = None) -> Iterator[Measurement]:
    for percent in QUERY_PERCENTILES:
        wanted = p50 if percent == QUERY_PERCENTILES[0] else None
        line = Measurement(THRIFT_SECTION, f"{name}, p{percent} (limit: SELECT 1)", "ms", target_ratio=wanted)
        yield line.with_value(side, percentile(durations, percent))


def _time_concurrent_queries(settings: Settings, sql: str) -> list[float]:
    """Return the milliseconds of each query of sixteen concurrent clients."""
    results = SimpleQueue[list[float] | Exception]()
    for _ in range(CLIENTS):
        # The threads are not joined: Spark's server may hang on one of several sessions closed at the same time.
        Thread(target=_run_client, args=[settings, sql, results], daemon=True).start()
    client_results = [results.get(timeout=JOB_TIMEOUT) for _ in range(CLIENTS)]
    if errors := [result for result in client_results if isinstance(result, Exception)]:
        raise errors[0]
    return [duration for result in client_results if isinstance(result, list) for duration in result]


def _run_client(settings: Settings, sql: str, results: "SimpleQueue[list[float] | Exception]") -> None:
    try:
        with open_session(settings) as cursor:
            results.put(time_query(cursor, sql, QUERIES_PER_CLIENT, warm=1))
    except Exception as error:  # noqa: BLE001 - raised by the thread that reads the results
        results.put(error)
