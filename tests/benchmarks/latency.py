"""The latency of a change to the broker, Bronze and Slack, at two a second and under load."""

import json
import subprocess
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

from benchmarks.load import start_load
from benchmarks.measurements import Measurement
from benchmarks.options import Options
from benchmarks.probes import DESTINATIONS, Target, bronze_path, send_probes
from benchmarks.system import BenchmarkSystem, start_system
from lakehouse.retries import wait_until
from support.system import Log

LATENCY_SECTION = "latency"
LOAD_RATE = 500.0  # changes a second
QUIET_LABEL, LOADED_LABEL = "2/s", f"under {LOAD_RATE:.0f}/s"
# Sent under the load before the measured probes: a stream runs for days, and its code is compiled by then.
MAX_WARM_UP_PROBES = 120
LATENCY_TARGETS = {
    f"commit → broker, p50, {QUIET_LABEL}": Target(ms=40.0),
    f"commit → broker, p95, {QUIET_LABEL}": Target(ms=80.0),
    f"commit → Bronze, p50, {QUIET_LABEL}": Target(ratio=3.0),
    f"commit → Bronze, p95, {QUIET_LABEL}": Target(ratio=3.0),
    f"commit → Bronze, p95, {LOADED_LABEL}": Target(ratio=3.0),
    f"commit → Slack, p50, {QUIET_LABEL}": Target(ms=100.0),
}


def measure(options: Options, log: Log) -> Generator[Measurement, None, None]:
    """Yield the measurements of the section, on a stack of its own."""
    with start_system(log) as system:
        system.stack.up()
        system.load_company()
        yield from _measure_side(system, options, "ours", bronze_path(system.settings))
        system.drain(300)
        with system.override_service("stream-processor", system.plain_settings):
            yield from _measure_side(system, options, "plain", bronze_path(system.settings))
        system.stack.down("stream-processor")
        scratch = str(system.stack.home / "scratch")
        with system.start_process(system.settings, sys.executable, "-m", "benchmarks.python_sink", "--table", scratch):
            _wait_for_table(system, scratch)
            yield from _measure_side(system, options, "limit", scratch)
        system.log("appends with and without a fence")
        yield _measure_fence(system, options)


def _measure_side(system: BenchmarkSystem, options: Options, side: str, table: str) -> Iterator[Measurement]:
    """Yield the percentiles at two probes a second, then under load; all but `ours` measure Bronze only."""
    destinations = DESTINATIONS if side == "ours" else ("Bronze",)
    with start_load(system, LOAD_RATE):
        send_probes(system, min(MAX_WARM_UP_PROBES, options.probes), table)
    system.log(f"{options.probes} probes at {QUIET_LABEL}, {side}")
    yield from send_probes(system, options.probes, table).to_measurements(
        LATENCY_SECTION, QUIET_LABEL, side, destinations, LATENCY_TARGETS
    )
    system.log(f"{options.probes} probes {LOADED_LABEL}, {side}")
    with start_load(system, LOAD_RATE) as running_load:
        wait_until(lambda: running_load.count, timeout=30, missing="the load")
        yield from send_probes(system, options.probes, table).to_measurements(
            LATENCY_SECTION, LOADED_LABEL, side, destinations, LATENCY_TARGETS
        )


def _measure_fence(system: BenchmarkSystem, options: Options) -> Measurement:
    """Return the median of an append, noted and fenced; plain has Delta's transaction identifier, limit neither."""
    command = (sys.executable, "-m", "benchmarks.commit_cost", "--root", str(system.stack.home / "commits"))
    with system.start_process(
        system.settings, *command, "--appends", str(options.probes), stdout=subprocess.PIPE
    ) as running:
        output, _ = running.communicate()
    name = "append of a batch, noted and fenced, p50"
    return Measurement(LATENCY_SECTION, name, "ms", *json.loads(output.split("\n")[-2]))


def _wait_for_table(system: BenchmarkSystem, table: str) -> None:
    """Send probes until the consumer has created the table."""

    def table_exists() -> bool:
        send_probes(system, 1, table, timeout=2.0)
        return (Path(table) / "_delta_log").exists()

    wait_until(table_exists, timeout=60, missing="the table of the Python consumer")
