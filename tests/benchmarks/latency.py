"""How long a change is on its way: to the broker, into Bronze, to Slack; at two a second, and under a load."""

import sys
from collections.abc import Generator, Iterator
from pathlib import Path

from benchmarks.lines import Line
from benchmarks.load import load
from benchmarks.options import Options
from benchmarks.probes import WAYS, bronze, probe
from benchmarks.system import Say, System, system
from lakehouse.waiting import wait_until

SECTION = "latency"
BUSY = 500.0  # changes a second
QUIET, LOADED = "2/s", f"under {BUSY:.0f}/s"
WARM = 120  # probes at most, under the load and before any that count: a stream lives for days, and is compiled by then
TARGETS = {
    f"commit → broker, p50, {QUIET}": 40.0,
    f"commit → broker, p95, {QUIET}": 80.0,
    f"commit → Bronze, p50, {QUIET}": 250.0,
    f"commit → Bronze, p95, {QUIET}": 500.0,
    f"commit → Bronze, p95, {LOADED}": 1500.0,
    f"commit → Slack, p50, {QUIET}": 100.0,
}


def measure(options: Options, say: Say) -> Generator[Line, None, None]:
    """Give the lines, of a stack of its own."""
    with system(say) as it:
        it.stack.up()
        it.load_company()
        yield from _both(it, options, "ours", bronze(it.settings))
        it.drain(300)
        with it.instead("stream-processor", it.plain):
            yield from _both(it, options, "plain", bronze(it.settings))
        it.stack.down("stream-processor")
        scratch = str(it.stack.home / "scratch")
        with it.process(it.settings, sys.executable, "-m", "benchmarks.python_sink", "--table", scratch):
            _first_row(it, scratch)
            yield from _both(it, options, "limit", scratch)


def _both(it: System, options: Options, side: str, table: str) -> Iterator[Line]:
    """Give the percentiles at two a second, then under a load; only Bronze depends on the side."""
    ways = WAYS if side == "ours" else ("Bronze",)
    with load(it, BUSY):
        probe(it, min(WARM, options.probes), table)
    it.say(f"{options.probes} probes at {QUIET}, {side}")
    yield from probe(it, options.probes, table).lines(SECTION, QUIET, side, ways, TARGETS)
    it.say(f"{options.probes} probes {LOADED}, {side}")
    with load(it, BUSY) as going_on:
        wait_until(lambda: going_on.count, timeout=30, missing="the load")
        yield from probe(it, options.probes, table).lines(SECTION, LOADED, side, ways, TARGETS)


def _first_row(it: System, table: str) -> None:
    """Send probes until one has made the table."""

    def there() -> bool:
        probe(it, 1, table, patience=2.0)
        return (Path(table) / "_delta_log").exists()

    wait_until(there, timeout=60, missing="a table of the Python consumer's")
