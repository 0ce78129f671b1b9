"""The rows a second of Debezium, the stream processor and a refresh when many changes wait."""

import time
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor

from benchmarks import limits
from benchmarks.changes import Changes, athlete_ids, id_blocks
from benchmarks.jobs import JOB_TIMEOUT, run_refresh, silver_seconds, stage_seconds
from benchmarks.measurements import Measurement
from benchmarks.observers import bronze_end_offset, observe_commits
from benchmarks.options import Options
from benchmarks.probes import bronze_path
from benchmarks.samples import Sample, rate
from benchmarks.system import BenchmarkSystem, start_system
from lakehouse.contracts import STRAVA_ACTIVITIES
from lakehouse.retries import wait_until
from lakehouse.settings import Settings
from lakehouse.source import topics
from lakehouse.source.postgres import LONG_DEADLINE_S, connect
from support.system import Log

THROUGHPUT_SECTION = "throughput"
THROUGHPUT_SERVICES = ("postgres", "kafka", "connect", "connector-controller", "stream-processor")
ROWS_PER_COMMIT = 10_000  # rows
BROKER_RATE = Measurement(
    THROUGHPUT_SECTION, "Postgres → broker (limit: pgoutput alone)", "rows/s", target=25_000, more=True
)
CLIENT_READ_RATE = Measurement(THROUGHPUT_SECTION, "reading the broker (limit: kafka-python)", "rows/s", more=True)
SPARK_READ_RATE = Measurement(
    THROUGHPUT_SECTION, "reading the broker (limit: Spark's batch source)", "rows/s", more=True
)
BRONZE_RATE = Measurement(
    THROUGHPUT_SECTION, "broker → Bronze (limit: Python and delta-rs)", "rows/s", target_ratio=1.5, more=True
)
BRONZE_RATE_WITH_STARTUP = Measurement(THROUGHPUT_SECTION, "broker → Bronze, its start included", "rows/s", more=True)
SILVER_RATE = Measurement(
    THROUGHPUT_SECTION, "Bronze → Silver (limit: read and parsed)", "rows/s", target=20_000, more=True
)
SILVER_PEAK_MEMORY = Measurement(THROUGHPUT_SECTION, "Bronze → Silver, peak memory", "MiB")


def measure(options: Options, log: Log) -> Generator[Measurement, None, None]:
    """Yield the measurements of the section, on a stack in which all changes wait before each component in turn.

    Plain settings have a stack of their own: a refresh does not trust a copy of the lake.
    """
    with start_system(log) as system:
        _load_company(system, system.settings)
        with limits.replication_slot(system):
            _make_changes(system, options.changes)
            yield BROKER_RATE.with_value("limit", options.changes / limits.decoding_seconds(system))
        yield BROKER_RATE.with_value("ours", _measure_broker(system, options.changes))
        yield CLIENT_READ_RATE.with_value("limit", limits.consumer_rate(system))
        yield from _measure_bronze(system, system.settings, "ours")
        yield SPARK_READ_RATE.with_value("limit", limits.spark_rate(system, "kafka"))
        yield BRONZE_RATE.with_value("limit", limits.python_sink_rate(system, _topic_end_offset(system)))
        system.stack.up("stream-processor")
        yield from _measure_silver(system, system.settings, "ours", options.changes)
        yield SILVER_RATE.with_value("limit", limits.spark_rate(system, "parse"))
    with start_system(log) as system:
        _load_company(system, system.plain_settings)
        _make_changes(system, options.changes)
        _measure_broker(system, options.changes)
        yield from _measure_bronze(system, system.plain_settings, "plain")
        with system.override_service("stream-processor", system.plain_settings):
            yield from _measure_silver(system, system.plain_settings, "plain", options.changes)


def _load_company(system: BenchmarkSystem, settings: Settings) -> None:
    """Load the company up to Silver, and stop whatever captures."""
    system.stack.up(*THROUGHPUT_SERVICES)
    system.load_company()
    run_refresh(system, settings)  # the first load into an empty Silver is an append, not a merge
    system.stack.down("connector-controller", "connect", "stream-processor")


def _make_changes(system: BenchmarkSystem, count: int) -> None:
    system.log(f"committing {count:,} changes")
    with connect(system.settings, autocommit=True, deadline=LONG_DEADLINE_S) as conn:
        changes, committed = Changes(athlete_ids(conn), first_id=next(id_blocks)), 0
        while committed < count:
            committed += changes.commit(conn, min(ROWS_PER_COMMIT, count - committed))


def _measure_broker(system: BenchmarkSystem, count: int) -> float | None:
    """Return the rate at which Debezium writes the waiting changes to the topic."""
    target_offset, samples = _topic_end_offset(system) + count, list[Sample]()
    with topics.consumer_session(system.settings, [STRAVA_ACTIVITIES.topic]) as consumer, ThreadPoolExecutor(1) as pool:
        starting = pool.submit(system.stack.up, "connect", "connector-controller")

        def has_reached_target() -> bool:
            [end] = topics.end_offsets(consumer).values()
            samples.append(Sample(time.time(), end))
            return end >= target_offset

        wait_until(has_reached_target, timeout=JOB_TIMEOUT, missing="every change in the topic", interval=0.02)
        starting.result()
    return rate(samples) or None


def _measure_bronze(system: BenchmarkSystem, settings: Settings, side: str) -> Iterator[Measurement]:
    """Yield the rate of a newly started stream processor, after its first commit and with its start included."""
    last, before = _topic_end_offset(system) - 1, bronze_end_offset(settings)
    start_sample = Sample(time.time(), before)
    with (
        observe_commits(bronze_path(settings)) as bronze_samples,
        system.override_service("stream-processor", settings),
    ):
        wait_until(
            lambda: bronze_samples and bronze_samples[-1].rows >= last,
            timeout=JOB_TIMEOUT,
            missing="every change in Bronze",
        )
    yield BRONZE_RATE.with_value(side, rate([start_sample, *bronze_samples]) or None)
    yield BRONZE_RATE_WITH_STARTUP.with_value(
        side, (last - before) / (bronze_samples[-1].timestamp - start_sample.timestamp)
    )


def _measure_silver(system: BenchmarkSystem, settings: Settings, side: str, count: int) -> Iterator[Measurement]:
    """Yield the rate at which a refresh merges into Silver, and its peak memory."""
    system.log(f"refresh, {side}")
    refresh_run = run_refresh(system, settings)
    yield SILVER_RATE.with_value(side, count / silver_seconds(stage_seconds(settings)))
    yield SILVER_PEAK_MEMORY.with_value(side, refresh_run.peak_mib)


def _topic_end_offset(system: BenchmarkSystem) -> int:
    """Return the sum of the topic's end offsets, over all partitions."""
    with topics.consumer_session(system.settings, [STRAVA_ACTIVITIES.topic]) as consumer:
        return int(sum(topics.end_offsets(consumer).values()))
