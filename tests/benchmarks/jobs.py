"""Jobs run as processes and timed from start to exit, and the stage times that a refresh records."""

import json
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from deltalake import DeltaTable, QueryBuilder

from benchmarks.system import BenchmarkSystem
from lakehouse.errors import LakehouseError
from lakehouse.local.service import job_command
from lakehouse.local.stack import resident_bytes
from lakehouse.retries import wait_until
from lakehouse.settings import ROOT, Settings
from lakehouse.source.postgres import LONG_DEADLINE_S, connect

JOB_TIMEOUT = 7200.0  # seconds
LAST_RUN_QUERY = "SELECT seconds FROM runs WHERE outcome = 'ok' ORDER BY started_at DESC LIMIT 1"
SIMULATE_COMMAND = (sys.executable, str(ROOT / "simulate_new_strava_activities.py"), "--delay", "0:0", "--count")
OLD_ACTIVITIES_QUERY = """
    SELECT min(activity_id) FROM (
      SELECT activity_id, ntile(4) OVER (ORDER BY activity_id) AS quarter FROM public.strava_activities
    ) AS quarters GROUP BY quarter ORDER BY quarter
"""
REFRESH_COMMAND = job_command("batch_refresh_silver_gold.py")


@dataclass(frozen=True)
class ProcessRun:
    """A process's duration in seconds, and the peak memory of it and its children in MiB."""

    seconds: float
    peak_mib: int


def run_timed(system: BenchmarkSystem, settings: Settings, *command: str) -> ProcessRun:
    """Run a command until it exits, and return its duration and memory.

    Raises LakehouseError, with the end of its log, where the exit code is not 0.
    """
    started_at, peak, last = time.monotonic(), 0, 0
    with system.start_process(settings, *command) as running:

        def is_over() -> bool:
            nonlocal peak, last
            # A child between its fork and its exec has its parent's memory: one look sees it, the next does not.
            before, last = last, resident_bytes(running.pid)
            peak = max(peak, min(before, last))
            return running.poll() is not None

        wait_until(is_over, timeout=JOB_TIMEOUT, missing=command[-1], interval=0.05)
        seconds = time.monotonic() - started_at
    if running.returncode:
        log_tail = (system.stack.logs / "bench.log").read_text(encoding="utf-8")[-2_000:]
        raise LakehouseError(f"{' '.join(command)} ended with {running.returncode}:\n{log_tail}")
    return ProcessRun(seconds, peak >> 20)


def run_refresh(system: BenchmarkSystem, settings: Settings, *options: str, wait: float = 600.0) -> ProcessRun:
    """Run a refresh of the new changes in a process, or in the warm JVM if one is running."""
    return run_timed(system, settings, *REFRESH_COMMAND, "--wait", str(wait), *options)


@contextmanager
def warm_jvm(system: BenchmarkSystem) -> Iterator[None]:
    """Run a warm JVM for refreshes until the block ends."""
    socket = system.settings.warm_jvm_socket
    with system.start_process(system.settings, *job_command("warm_session.py")):
        wait_until(socket.exists, timeout=60, missing="the socket of a warm JVM")
        yield


def simulate_activities(system: BenchmarkSystem, count: int = 20) -> None:
    """Insert a number of activities with the simulator."""
    run_timed(system, system.settings, *SIMULATE_COMMAND, str(count))


def simulate_corrections(system: BenchmarkSystem) -> None:
    """Insert 16 activities with the simulator, then delete one old activity and update three others, far apart."""
    simulate_activities(system, 16)
    with connect(system.settings, autocommit=True, deadline=LONG_DEADLINE_S) as conn:
        deleted_id, *updated_ids = (row[0] for row in conn.execute(OLD_ACTIVITIES_QUERY))
        conn.execute("DELETE FROM public.strava_activities WHERE activity_id = %s", (deleted_id,))
        conn.execute(
            "UPDATE public.strava_activities SET calories = calories + 1 WHERE activity_id = ANY(%s)", (updated_ids,)
        )


def stage_seconds(settings: Settings) -> dict[str, float]:
    """Return the seconds of each stage of the last successful refresh."""
    runs = QueryBuilder().register("runs", DeltaTable(f"{settings.lake}/gold/runs")).execute(LAST_RUN_QUERY).read_all()
    seconds: dict[str, float] = json.loads(str(runs.column("seconds").to_pylist()[0]))
    return seconds


def silver_seconds(stages: Mapping[str, float]) -> float:
    """Return the seconds of the Silver stage; of one stage per table, which run in parallel, the longest."""
    return stages.get("silver") or max(seconds for stage, seconds in stages.items() if stage.startswith("silver/"))
