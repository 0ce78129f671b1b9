"""Observers of arriving changes: a plain Kafka consumer, and a reader of a Delta table's log."""

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

from benchmarks.samples import Sample
from lakehouse.cdc import table_stats
from lakehouse.cdc.table_store import TableStore
from lakehouse.contracts import STRAVA_ACTIVITIES
from lakehouse.retries import wait_until
from lakehouse.settings import Settings
from lakehouse.source import topics

PROBE_NAME = re.compile(rb"probe-\d+-\d+")
LOG_POLL_INTERVAL = 0.002  # seconds


@dataclass
class Arrivals:
    """The commit time, consumption time (seconds since the epoch) and offset of each probe, by its name."""

    committed_at: dict[str, float] = field(default_factory=dict)
    consumed_at: dict[str, float] = field(default_factory=dict)
    offsets: dict[str, int] = field(default_factory=dict)

    def add(self, value: bytes, offset: int, received_at: float) -> None:
        """Record the probe that a message holds, if it holds one."""
        if match := PROBE_NAME.search(value):
            name = match[0].decode()
            self.committed_at[name] = json.loads(value)["source"]["ts_us"] / 1e6
            self.consumed_at[name], self.offsets[name] = received_at, offset


@contextmanager
def observe_topic(settings: Settings) -> Iterator[Arrivals]:
    """Record the probes that arrive in the activities' topic until the block ends, in a thread."""
    arrivals, ready = Arrivals(), Event()

    def follow(stop: Event) -> None:
        with topics.consumer_session(settings, [STRAVA_ACTIVITIES.topic]) as consumer:
            consumer.seek_to_end()
            for partition in consumer.assignment():
                consumer.position(partition)
            ready.set()
            while not stop.is_set():
                for records in consumer.poll(100).values():
                    at = time.time()
                    for record in records:
                        arrivals.add(record.value or b"", record.offset, at)

    with _in_thread(follow):
        wait_until(ready.is_set, timeout=30, missing="a consumer at the topic's end")
        yield arrivals


@contextmanager
def observe_commits(table: str) -> Iterator[list[Sample]]:
    """Record, in a thread, the last offset of a Delta table and the time when each commit made it readable."""
    log = Path(table) / "_delta_log"
    samples: list[Sample] = []

    def follow(stop: Event) -> None:
        version = _latest_version(log) + 1
        while not stop.wait(LOG_POLL_INTERVAL):  # the polling interval is the resolution of the measurement
            while (entry := log / f"{version:020}.json").exists():
                at = time.time()
                if (offset := last_offset(entry.read_text(encoding="utf-8"))) is not None:
                    samples.append(Sample(at, max(offset, samples[-1].rows if samples else 0)))
                version += 1

    with _in_thread(follow):
        yield samples


def bronze_end_offset(settings: Settings) -> int:
    """Return the last offset of activities in Bronze; -1 where it is empty."""
    return max(table_stats.bronze_offsets(TableStore(settings.lake), STRAVA_ACTIVITIES).values(), default=-1)


def last_offset(entry: str) -> int | None:
    """Return the largest offset in a commit's added files, from their statistics; None where it adds none."""
    actions = (json.loads(line) for line in entry.splitlines() if line)
    statistics = (json.loads(action["add"].get("stats") or "{}") for action in actions if "add" in action)
    return max((stats["maxValues"]["offset"] for stats in statistics if stats.get("maxValues")), default=None)


def _latest_version(log: Path) -> int:
    return max((int(entry.stem) for entry in log.glob("*.json") if entry.stem.isdigit()), default=-1)


@contextmanager
def _in_thread(target: Callable[[Event], None]) -> Iterator[None]:
    stop = Event()
    thread = Thread(target=target, args=[stop], daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=10)
