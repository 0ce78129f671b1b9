"""Jobs as processes, timed from their start to their exit, and what a refresh noted of itself."""

import json
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from deltalake import DeltaTable, QueryBuilder

from benchmarks.system import System
from lakehouse.errors import LakehouseError
from lakehouse.local.service import job
from lakehouse.local.stack import memory
from lakehouse.settings import ROOT, Settings
from lakehouse.source.postgres import connect
from lakehouse.waiting import wait_until

LONGEST = 7200.0  # seconds
LAST = "SELECT seconds FROM runs WHERE outcome = 'ok' ORDER BY started_at DESC LIMIT 1"
SIMULATE = (sys.executable, str(ROOT / "simulate_new_strava_activities.py"), "--delay", "0:0", "--count")
OLD = """
    SELECT min(activity_id) FROM (
      SELECT activity_id, ntile(4) OVER (ORDER BY activity_id) AS quarter FROM public.strava_activities
    ) AS quarters GROUP BY quarter ORDER BY quarter
"""
REFRESH = job("batch_refresh_silver_gold.py")


@dataclass(frozen=True)
class Ran:
    """How long a process took, in seconds, and the most memory that it and its children held, in MiB."""

    seconds: float
    peak: int


def ran(system: System, settings: Settings, *command: str) -> Ran:
    """Run a command to its end; LakehouseError where that is not a good one."""
    began, peak = time.monotonic(), [0]
    with system.process(settings, *command) as running:

        def is_over() -> bool:
            peak[0] = max(peak[0], memory(running.pid))
            return running.poll() is not None

        wait_until(is_over, timeout=LONGEST, missing=command[-1], every=0.05)
        took = time.monotonic() - began
    if running.returncode:
        said = (system.stack.logs / "bench.log").read_text(encoding="utf-8")[-2_000:]
        raise LakehouseError(f"{' '.join(command)} ended with {running.returncode}:\n{said}")
    return Ran(took, peak[0] >> 20)


def refreshed(system: System, settings: Settings, *, wait: float = 600.0) -> Ran:
    """Take in what is new, in a process of its own and, where a JVM is kept warm, in that."""
    return ran(system, settings, *REFRESH, "--wait", str(wait))


@contextmanager
def kept_warm(system: System) -> Iterator[None]:
    """Keep a JVM warm for refreshes."""
    kept = system.settings.warm_session
    with system.process(system.settings, *job("warm_session.py")):
        wait_until(kept.exists, timeout=60, missing="a JVM to be kept warm")
        yield


def change(system: System, count: int = 20) -> None:
    """Have the simulator make so many activities."""
    ran(system, system.settings, *SIMULATE, str(count))


def correct(system: System) -> None:
    """Have the simulator make sixteen activities, then delete an old one and change three, far from each other."""
    change(system, 16)
    with connect(system.settings, autocommit=True) as conn:
        gone, *changed = (row[0] for row in conn.execute(OLD))
        conn.execute("DELETE FROM public.strava_activities WHERE activity_id = %s", (gone,))
        conn.execute(
            "UPDATE public.strava_activities SET calories = calories + 1 WHERE activity_id = ANY(%s)", (changed,)
        )


def stages(settings: Settings) -> dict[str, float]:
    """Give the seconds of each stage of the last good refresh."""
    runs = QueryBuilder().register("runs", DeltaTable(f"{settings.lake}/gold/runs")).execute(LAST).read_all()
    rows: list[Any] = runs.column("seconds").to_pylist()
    told: dict[str, float] = json.loads(str(rows[0]))
    return told


def merging(told: Mapping[str, float]) -> float:
    """Give the seconds of Silver: its own stage's, or where each table has one the longest, as they go side by side."""
    return told.get("silver") or max(took for stage, took in told.items() if stage.startswith("silver/"))
