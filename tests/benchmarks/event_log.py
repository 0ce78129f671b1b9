"""The files and bytes that a refresh reads, from Spark's event log."""

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.jobs import run_refresh
from benchmarks.system import BenchmarkSystem

FILES_READ_METRIC = "number of files read"


def measure_read(system: BenchmarkSystem) -> tuple[int, float]:
    """Run a refresh with Spark's event log enabled, and return the number of files and the MiB it read."""
    home = system.stack.home
    log = home / "events"
    shutil.rmtree(log, ignore_errors=True)
    log.mkdir()
    tuning_dir = shutil.copytree(system.settings.tuning_dir, home / "logged", dirs_exist_ok=True)
    with (tuning_dir / "refresh.conf").open("a", encoding="utf-8") as conf:
        conf.write(f"spark.eventLog.enabled true\nspark.eventLog.compress false\nspark.eventLog.dir {log.as_uri()}\n")
        conf.write("spark.eventLog.rolling.enabled false\n")
    run_refresh(system, system.settings.model_copy(update={"tuning_dir": tuning_dir}))
    return read_event_log(_lines(log))


def read_event_log(lines: Iterable[str]) -> tuple[int, float]:
    """Return the files read by scans and the MiB read by tasks, from an event log's lines."""
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
    """Yield the file-count metrics of a plan and its children."""
    yield from (metric for metric in plan["metrics"] if metric["name"] == FILES_READ_METRIC)
    for child in plan["children"]:
        yield from _metrics(child)


def _lines(log: Path) -> Iterator[str]:
    for file in sorted(log.iterdir()):
        if file.is_file():
            with file.open(encoding="utf-8") as events:
                yield from events
