"""How long a change is on its way: to the broker, into Bronze, to Slack; at two a second, and under a load."""

import sys
from collections.abc import Generator, Iterator
from pathlib import Path

from benchmarks.load import start_load
from benchmarks.measurements import Measurement
from benchmarks.options import Options
from benchmarks.probes import DESTINATIONS, bronze_path, send_probes
from benchmarks.system import BenchmarkSystem, Log, start_system
from lakehouse.retries import wait_until

SECTION = "latency"
LOAD_RATE = 500.0  # changes a second
QUIET_LABEL, LOADED_LABEL = "2/s", f"under {LOAD_RATE:.0f}/s"
MAX_WARM_UP_PROBES = (
    120  # probes at most, under the load and before any that count: a stream lives for days, and is compiled by then
)
TARGETS_MS = {
    f"commit → broker, p50, {QUIET_LABEL}": 40.0,
    f"commit → broker, p95, {QUIET_LABEL}": 80.0,
    f"commit → Bronze, p50, {QUIET_LABEL}": 250.0,
    f"commit → Bronze, p95, {QUIET_LABEL}": 500.0,
    f"commit → Bronze, p95, {LOADED_LABEL}": 1500.0,
    f"commit → Slack, p50, {QUIET_LABEL}": 100.0,
}


def measure(options: Options, log: Log) -> Generator[Measurement, None, None]:
    """Give the lines, of a stack of its own."""
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


def _measure_side(system: BenchmarkSystem, options: Options, side: str, table: str) -> Iterator[Measurement]:
    """Give the percentiles at two a second, then under a load; only Bronze depends on the side."""
    destinations = DESTINATIONS if side == "ours" else ("Bronze",)
    with start_load(system, LOAD_RATE):
        send_probes(system, min(MAX_WARM_UP_PROBES, options.probes), table)
    system.log(f"{options.probes} probes at {QUIET_LABEL}, {side}")
    yield from send_probes(system, options.probes, table).to_measurements(
        SECTION, QUIET_LABEL, side, destinations, TARGETS_MS
    )
    system.log(f"{options.probes} probes {LOADED_LABEL}, {side}")
    with start_load(system, LOAD_RATE) as running_load:
        wait_until(lambda: running_load.count, timeout=30, missing="the load")
        yield from send_probes(system, options.probes, table).to_measurements(
            SECTION, LOADED_LABEL, side, destinations, TARGETS_MS
        )


def _wait_for_table(system: BenchmarkSystem, table: str) -> None:
    """Send probes until one has made the table."""

    def table_exists() -> bool:
        send_probes(system, 1, table, timeout=2.0)
        return (Path(table) / "_delta_log").exists()

    wait_until(table_exists, timeout=60, missing="a table of the Python consumer's")
