"""What a refresh reads, as Spark's own event log tells it."""

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.jobs import refreshed
from benchmarks.system import System

FILES = "number of files read"


def reading(it: System) -> tuple[int, float]:
    """Refresh once more, logged, and give the files and the MiB that were read."""
    home = it.stack.home
    log = home / "events"
    shutil.rmtree(log, ignore_errors=True)
    log.mkdir()
    tuned = shutil.copytree(it.settings.tuning_dir, home / "logged", dirs_exist_ok=True)
    with (tuned / "refresh.conf").open("a", encoding="utf-8") as conf:
        conf.write(f"spark.eventLog.enabled true\nspark.eventLog.compress false\nspark.eventLog.dir {log.as_uri()}\n")
        conf.write("spark.eventLog.rolling.enabled false\n")
    refreshed(it, it.settings.model_copy(update={"tuning_dir": tuned}))
    return read(_lines(log))


def read(lines: Iterable[str]) -> tuple[int, float]:
    """Give the files that scans read and the MiB that tasks did, from an event log's lines."""
    counters, files, bytes_read = set[int](), 0, 0
    for event in map(json.loads, lines):
        if "sparkPlanInfo" in event:
            counters |= {metric["accumulatorId"] for metric in _metrics(event["sparkPlanInfo"])}
        if event["Event"].endswith("SparkListenerDriverAccumUpdates"):
            files += sum(value for counter, value in event["accumUpdates"] if counter in counters)
        if event["Event"] == "SparkListenerTaskEnd" and event.get("Task Metrics"):
            bytes_read += event["Task Metrics"]["Input Metrics"]["Bytes Read"]
    return files, bytes_read / 2**20


def _metrics(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Give the metrics of a plan, and of those below it, that count files."""
    yield from (metric for metric in plan["metrics"] if metric["name"] == FILES)
    for child in plan["children"]:
        yield from _metrics(child)


def _lines(log: Path) -> Iterator[str]:
    for file in sorted(log.iterdir()):
        if file.is_file():
            with file.open(encoding="utf-8") as events:
                yield from events
