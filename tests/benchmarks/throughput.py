"""How many rows a second each part takes when many wait: Debezium, the stream processor, a refresh."""

import shutil
import time
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor

from benchmarks import limits
from benchmarks.changes import Changes, athletes, blocks
from benchmarks.jobs import LONGEST, merging, refreshed, stages
from benchmarks.lines import Line
from benchmarks.options import Options
from benchmarks.probes import bronze
from benchmarks.samples import Sample, rate
from benchmarks.system import Say, System, system
from benchmarks.watching import bronze_end, commits
from lakehouse.contracts import STRAVA_ACTIVITIES
from lakehouse.settings import Settings
from lakehouse.source import topics
from lakehouse.source.postgres import connect
from lakehouse.waiting import wait_until

SECTION = "throughput"
NEEDED = ("postgres", "kafka", "connect", "registrar", "stream-processor")
COMMIT = 10_000  # rows
BROKER = Line(SECTION, "Postgres → broker (limit: pgoutput alone)", "rows/s", target=25_000, more=True)
READ = Line(SECTION, "reading the broker (limit: kafka-python)", "rows/s", more=True)
READ_BY_SPARK = Line(SECTION, "reading the broker (limit: Spark's batch source)", "rows/s", more=True)
BRONZE = Line(SECTION, "broker → Bronze (limit: Python and delta-rs)", "rows/s", target=60_000, more=True)
STARTED = Line(SECTION, "broker → Bronze, its start included", "rows/s", more=True)
SILVER = Line(SECTION, "Bronze → Silver (limit: read and parsed)", "rows/s", target=20_000, more=True)
PEAK = Line(SECTION, "Bronze → Silver, most memory held", "MiB")


def measure(options: Options, say: Say) -> Generator[Line, None, None]:
    """Give the lines, of a stack of its own in which the changes wait before each part in turn."""
    with system(say) as it:
        it.stack.up(*NEEDED)
        it.load_company()
        refreshed(it, it.settings)  # a first load into an empty Silver is no merge
        it.stack.down("registrar", "connect", "stream-processor")
        plain = it.plain.model_copy(update={"lake_uri": str(it.stack.home / "plain-lake")})
        shutil.copytree(it.settings.lake, plain.lake)
        with limits.slot(it):
            _make_changes(it, options.changes)
            yield BROKER.on("limit", options.changes / limits.decoding(it))
        yield BROKER.on("ours", _into_broker(it, options.changes))
        yield READ.on("limit", limits.consumer(it))
        yield from _into_bronze(it, it.settings, "ours")
        yield READ_BY_SPARK.on("limit", limits.spark(it, "kafka"))
        yield BRONZE.on("limit", limits.python_sink(it, _end(it)))
        it.stack.up("stream-processor")
        yield from _into_silver(it, it.settings, "ours", options.changes)
        yield SILVER.on("limit", limits.spark(it, "parse"))
        it.stack.down("stream-processor")
        yield from _into_bronze(it, plain, "plain")
        with it.instead("stream-processor", plain):
            yield from _into_silver(it, plain, "plain", options.changes)


def _make_changes(it: System, count: int) -> None:
    it.say(f"{count:,} changes are made")
    with connect(it.settings, autocommit=True) as conn:
        changes, made = Changes(athletes(conn), first=next(blocks)), 0
        while made < count:
            made += changes.commit(conn, min(COMMIT, count - made))


def _into_broker(it: System, count: int) -> float | None:
    """Give the rate at which Debezium writes what waits."""
    upto, samples = _end(it) + count, list[Sample]()
    with topics.following(it.settings, [STRAVA_ACTIVITIES.topic]) as consumer, ThreadPoolExecutor(1) as pool:
        started = pool.submit(it.stack.up, "connect", "registrar")

        def is_there() -> bool:
            [end] = topics.reachable(consumer).values()
            samples.append(Sample(time.time(), end))
            return end >= upto

        wait_until(is_there, timeout=LONGEST, missing="every change in the topic", every=0.02)
        started.result()
    return rate(samples) or None


def _into_bronze(it: System, settings: Settings, side: str) -> Iterator[Line]:
    """Give the rate of a stream processor that is started for it, after its first commit, and with its start."""
    last, before = _end(it) - 1, bronze_end(settings)
    began = Sample(time.time(), before)
    with commits(bronze(settings)) as seen, it.instead("stream-processor", settings):
        wait_until(lambda: seen and seen[-1].rows >= last, timeout=LONGEST, missing="every change in Bronze")
    yield BRONZE.on(side, rate([began, *seen]) or None)
    yield STARTED.on(side, (last - before) / (seen[-1].at - began.at))


def _into_silver(it: System, settings: Settings, side: str, count: int) -> Iterator[Line]:
    """Give the rate at which a refresh merges, and the memory that it took."""
    it.say(f"refresh, {side}")
    done = refreshed(it, settings)
    yield SILVER.on(side, count / merging(stages(settings)))
    yield PEAK.on(side, done.peak)


def _end(it: System) -> int:
    """Give how many messages the topic has."""
    with topics.following(it.settings, [STRAVA_ACTIVITIES.topic]) as consumer:
        return int(sum(topics.reachable(consumer).values()))
