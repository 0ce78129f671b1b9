"""Jobs as processes, timed from their start to their exit, and what a refresh noted of itself."""

import json
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from deltalake import DeltaTable, QueryBuilder

from benchmarks.system import BenchmarkSystem
from lakehouse.errors import LakehouseError
from lakehouse.local.service import job_command
from lakehouse.local.stack import resident_bytes
from lakehouse.retries import wait_until
from lakehouse.settings import ROOT, Settings
from lakehouse.source.postgres import connect

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
    """How long a process took, in seconds, and the most memory that it and its children held, in MiB."""

    seconds: float
    peak_mib: int


def run_timed(system: BenchmarkSystem, settings: Settings, *command: str) -> ProcessRun:
    """Run a command to its end; LakehouseError where that is not a good one."""
    started_at, peak = time.monotonic(), [0]
    with system.start_process(settings, *command) as running:

        def is_over() -> bool:
            peak[0] = max(peak[0], resident_bytes(running.pid))
            return running.poll() is not None

        wait_until(is_over, timeout=JOB_TIMEOUT, missing=command[-1], interval=0.05)
        seconds = time.monotonic() - started_at
    if running.returncode:
        log_tail = (system.stack.logs / "bench.log").read_text(encoding="utf-8")[-2_000:]
        raise LakehouseError(f"{' '.join(command)} ended with {running.returncode}:\n{log_tail}")
    return ProcessRun(seconds, peak[0] >> 20)


def run_refresh(system: BenchmarkSystem, settings: Settings, *, wait: float = 600.0) -> ProcessRun:
    """Take in what is new, in a process of its own and, where a JVM is kept warm, in that."""
    return run_timed(system, settings, *REFRESH_COMMAND, "--wait", str(wait))


@contextmanager
def warm_jvm(system: BenchmarkSystem) -> Iterator[None]:
    """Keep a JVM warm for refreshes."""
    socket = system.settings.warm_jvm_socket
    with system.start_process(system.settings, *job_command("warm_session.py")):
        wait_until(socket.exists, timeout=60, missing="a JVM to be kept warm")
        yield


def simulate_activities(system: BenchmarkSystem, count: int = 20) -> None:
    """Have the simulator make so many activities."""
    run_timed(system, system.settings, *SIMULATE_COMMAND, str(count))


def simulate_corrections(system: BenchmarkSystem) -> None:
    """Have the simulator make sixteen activities, then delete an old one and change three, far from each other."""
    simulate_activities(system, 16)
    with connect(system.settings, autocommit=True) as conn:
        deleted_id, *updated_ids = (row[0] for row in conn.execute(OLD_ACTIVITIES_QUERY))
        conn.execute("DELETE FROM public.strava_activities WHERE activity_id = %s", (deleted_id,))
        conn.execute(
            "UPDATE public.strava_activities SET calories = calories + 1 WHERE activity_id = ANY(%s)", (updated_ids,)
        )


def stage_seconds(settings: Settings) -> dict[str, float]:
    """Give the seconds of each stage of the last good refresh."""
    runs = QueryBuilder().register("runs", DeltaTable(f"{settings.lake}/gold/runs")).execute(LAST_RUN_QUERY).read_all()
    rows: list[Any] = runs.column("seconds").to_pylist()
    seconds: dict[str, float] = json.loads(str(rows[0]))
    return seconds


def silver_seconds(stages: Mapping[str, float]) -> float:
    """Give the seconds of Silver: its own stage's, or where each table has one the longest, as they go side by side."""
    return stages.get("silver") or max(seconds for stage, seconds in stages.items() if stage.startswith("silver/"))
