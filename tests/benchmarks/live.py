"""A watcher at one activity a second: commit → figure over Thrift, its memory from start to end, and at rest."""

import os
import time
from collections.abc import Generator, Iterator, Sequence
from random import Random

import psutil
from pyhive import hive

from benchmarks.measurements import Measurement
from benchmarks.options import Options
from benchmarks.samples import Sample, delays_ms, first_visible_times, percentile
from benchmarks.system import start_system
from lakehouse.local.service import job_command
from lakehouse.local.stack import resident_bytes
from lakehouse.retries import wait_until
from lakehouse.serving.client import execute, open_session
from lakehouse.simulator.activity_generator import Athlete
from lakehouse.simulator.activity_table import read_athletes
from lakehouse.simulator.cli import insert_one
from lakehouse.source.postgres import Connection, connect
from support.system import Log

LIVE_SECTION = "live"
INTERVAL, INTERVAL_S = "15s", 15.0
ACTIVITY_INTERVAL_S, QUERY_INTERVAL_S = 1.0, 0.25
# make bench SECTIONS=live LIVE_MINUTES=3; without it, twelve times as long as the sustained load: an hour, or 2 min.
MINUTES_VAR, SUSTAINED_TIMES = "LIVE_MINUTES", 12
COUNT_ACTIVITIES = "SELECT coalesce(sum(nb_activities_year), 0) FROM gold.v_wellbeing"
IDLE_TARGET_PERCENT, GROWTH_TARGET_PERCENT = 2.0, 10.0
LAST_FIGURE_TIMEOUT_S = 300.0


def measure(options: Options, log: Log) -> Generator[Measurement, None, None]:
    """Yield the measurements of the section, on a stack of its own."""
    minutes = float(os.environ.get(MINUTES_VAR) or options.sustained * SUSTAINED_TIMES / 60)
    with start_system(log) as system:
        system.stack.up()
        system.load_company()
        command = job_command("batch_refresh_silver_gold.py", "--watch", INTERVAL)
        with (
            system.start_process(system.settings, *command) as watcher,
            connect(system.settings, autocommit=True) as conn,
            open_session(system.settings) as cursor,
        ):
            wait_until(lambda: _count(cursor) > 0, timeout=600, missing="the first figures")
            log(f"one activity a second for {minutes:g} min, refreshed at most every {INTERVAL}")
            yield from _measure_load(conn, cursor, watcher.pid, minutes, read_athletes(conn))
            log(f"idle for {options.idle:.0f} s")
            yield Measurement(
                LIVE_SECTION,
                "watcher's processor when idle",
                "% of a core",
                ours=_cpu_percent(watcher.pid, options.idle),
                target=IDLE_TARGET_PERCENT,
            )


def _measure_load(
    conn: Connection, cursor: hive.Cursor, pid: int, minutes: float, athletes: Sequence[Athlete]
) -> Iterator[Measurement]:
    """Insert an activity a second, and yield the delays until their figures, and the watcher's memory."""
    rng, before = Random(1), _count(cursor)
    committed_at: dict[str, float] = {}
    totals: dict[str, int] = {}
    readings = [Sample(time.monotonic(), before)]
    memory = [resident_bytes(pid)]
    began = time.monotonic()
    while time.monotonic() - began < 60 * minutes:
        due = began + ACTIVITY_INTERVAL_S * (len(committed_at) + 1)
        insert_one(conn, rng, athletes, error_rate=0)
        name = str(len(committed_at))
        committed_at[name], totals[name] = time.monotonic(), before + len(committed_at) + 1
        while True:
            readings.append(Sample(time.monotonic(), _count(cursor)))
            if time.monotonic() >= due:
                break
            time.sleep(QUERY_INTERVAL_S)  # the resolution of the measurement
        memory.append(resident_bytes(pid))

    def is_complete() -> bool:
        readings.append(Sample(time.monotonic(), _count(cursor)))
        return readings[-1].rows >= before + len(committed_at)

    wait_until(is_complete, timeout=LAST_FIGURE_TIMEOUT_S, missing="the last figure", interval=QUERY_INTERVAL_S)
    delays = delays_ms(committed_at, first_visible_times(totals, readings))
    label = f"at 1/s, at most every {INTERVAL}"
    for percent in (50, 95):
        yield Measurement(LIVE_SECTION, f"commit → figure, p{percent}, {label}", "ms", ours=percentile(delays, percent))
    # A heap is filled and emptied: of a tenth of the samples, the least is what the watcher needs.
    tenth = max(1, len(memory) // 10)
    first, last = (min(part) / 2**20 for part in (memory[tenth : 2 * tenth] or memory, memory[-tenth:]))
    yield Measurement(LIVE_SECTION, "watcher's memory, start", "MiB", ours=first)
    yield Measurement(LIVE_SECTION, "watcher's memory, end", "MiB", ours=last)
    growth = 100 * (last / first - 1)
    yield Measurement(LIVE_SECTION, "watcher's memory, growth", "%", ours=growth, target=GROWTH_TARGET_PERCENT)


def _count(cursor: hive.Cursor) -> int:
    return int(execute(cursor, COUNT_ACTIVITIES).rows[0][0])


def _cpu_percent(pid: int, seconds: float) -> float:
    """Return the CPU use of a process and its children over some seconds, in percent of one core."""
    time.sleep(2 * INTERVAL_S)  # a last refresh, which may find nothing
    before, began = _cpu_seconds(pid), time.monotonic()
    time.sleep(seconds)  # the measured interval
    return 100 * (_cpu_seconds(pid) - before) / (time.monotonic() - began)


def _cpu_seconds(pid: int) -> float:
    process = psutil.Process(pid)
    times = [member.cpu_times() for member in (process, *process.children(recursive=True))]
    return float(sum(used.user + used.system for used in times))
