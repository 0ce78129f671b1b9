"""Who watches changes arrive: a plain Kafka consumer, and a reader of a Delta table's log."""

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

from benchmarks.samples import Sample
from lakehouse.cdc.catalog import Catalog
from lakehouse.contracts import STRAVA_ACTIVITIES
from lakehouse.settings import Settings
from lakehouse.source import topics
from lakehouse.waiting import wait_until

PROBE = re.compile(rb"probe-\d+-\d+")
LOOKS_EVERY = 0.002  # seconds


@dataclass
class Arrivals:
    """Of each probe, by its name: when Postgres committed it, when a consumer had it (s), and its offset."""

    committed: dict[str, float] = field(default_factory=dict)
    at_consumer: dict[str, float] = field(default_factory=dict)
    offsets: dict[str, int] = field(default_factory=dict)

    def take(self, value: bytes, offset: int, at: float) -> None:
        if found := PROBE.search(value):
            name = found[0].decode()
            self.committed[name] = json.loads(value)["source"]["ts_us"] / 1e6
            self.at_consumer[name], self.offsets[name] = at, offset


@contextmanager
def consumed(settings: Settings) -> Iterator[Arrivals]:
    """Follow the topic of activities from now on, in a thread of its own."""
    arrivals, ready = Arrivals(), Event()

    def follow(stop: Event) -> None:
        with topics.following(settings, [STRAVA_ACTIVITIES.topic]) as consumer:
            consumer.seek_to_end()
            for partition in consumer.assignment():
                consumer.position(partition)
            ready.set()
            while not stop.is_set():
                for records in consumer.poll(100).values():
                    at = time.time()
                    for record in records:
                        arrivals.take(record.value or b"", record.offset, at)

    with _alongside(follow):
        wait_until(ready.is_set, timeout=30, missing="a consumer to stand at the topic's end")
        yield arrivals


@contextmanager
def commits(table: str) -> Iterator[list[Sample]]:
    """Follow a Delta table's log from now on: the last offset that its files hold, and when that could be read."""
    log = Path(table) / "_delta_log"
    seen: list[Sample] = []

    def follow(stop: Event) -> None:
        version = _latest(log) + 1
        while not stop.wait(LOOKS_EVERY):  # as often as the log is looked at is as fine as it is measured
            while (entry := log / f"{version:020}.json").exists():
                at = time.time()
                if (offset := last_offset(entry.read_text(encoding="utf-8"))) is not None:
                    seen.append(Sample(at, max(offset, seen[-1].rows if seen else 0)))
                version += 1

    with _alongside(follow):
        yield seen


def bronze_end(settings: Settings) -> int:
    """Give the last offset of activities that Bronze holds; -1 for none."""
    return max(Catalog(settings.lake).taken_in(STRAVA_ACTIVITIES).values(), default=-1)


def last_offset(entry: str) -> int | None:
    """Give the largest offset that a commit's new files hold, from their statistics; None where it adds none."""
    actions = (json.loads(line) for line in entry.splitlines() if line)
    statistics = (json.loads(action["add"].get("stats") or "{}") for action in actions if "add" in action)
    return max((one["maxValues"]["offset"] for one in statistics if one.get("maxValues")), default=None)


def _latest(log: Path) -> int:
    return max((int(entry.stem) for entry in log.glob("*.json") if entry.stem.isdigit()), default=-1)


@contextmanager
def _alongside(work: Callable[[Event], None]) -> Iterator[None]:
    stop = Event()
    thread = Thread(target=work, args=[stop], daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=10)
