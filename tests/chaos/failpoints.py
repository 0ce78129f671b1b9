"""The steps at which a job can be told to die, or to find the disk full, and both of it.

The step is named in the file CHAOS_ARMED; the job that comes by takes the file away and is gone, with its JVM, or
fills the lake's disk, for a while, and goes on.
"""

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

from lakehouse.settings import Settings

ARMED_FILE_VAR = "CHAOS_ARMED"
BEFORE_COMMIT, AFTER_COMMIT = "written, not committed", "committed"
DISK_FULL = "written, the disk full"
STREAM, REFRESH = "continuous_master_stream.py", "batch_refresh_silver_gold.py"
MAINTENANCE, CONTINUOUS_MAINTENANCE = "maintain.py", "chaos.continuous_maintenance"
NOTIFIER, DISTANCE_WORKER = "slack_new_activity_notifier.py", "distance_worker.py"
SERVICE_OF_SCRIPT = {
    STREAM: "stream-processor",
    NOTIFIER: "slack-notifier",
    DISTANCE_WORKER: "distance-worker",
    REFRESH: "refresh",
    CONTINUOUS_MAINTENANCE: "maintenance",
}
BEFORE_MARK_SENT, AFTER_ENQUEUE = "message answered, not noted", "messages owed, offsets not committed"
BEFORE_SAVE_RESULTS = "distances answered, not noted"
TABLES_WRITTEN = {
    STREAM: ("bronze/strava_activities", "bronze/rh_employees"),
    REFRESH: (
        "silver/quarantine",
        "silver/strava_activities",
        "silver/strava_activities_versions",
        "silver/rh_employees",
        "gold/prime_sportive",
        "gold/wellbeing",
    ),
}
FAILPOINTS: dict[str, tuple[str, ...]] = {
    **{
        script: tuple(f"{one} {when}" for one in written for when in (BEFORE_COMMIT, AFTER_COMMIT, DISK_FULL))
        for script, written in TABLES_WRITTEN.items()
    },
    NOTIFIER: (BEFORE_MARK_SENT, AFTER_ENQUEUE),
    DISTANCE_WORKER: (BEFORE_SAVE_RESULTS,),
}


DISK_FULL_SECONDS = 5  # seconds


def crash_at(failpoint: str) -> None:
    """Kill this process and all of its group where this is the step that was named."""
    if _disarm(failpoint):
        os.killpg(0, signal.SIGKILL)


def fill_disk_at(failpoint: str) -> None:
    """Fill the lake's disk for a while, and go on, where this is the step that was named."""
    if _disarm(failpoint):
        filler = fill_disk()
        # It outlives this process, and belongs to nobody: whoever is killed meanwhile, the disk is emptied again.
        subprocess.run(["setsid", "--fork", "sh", "-c", f'sleep {DISK_FULL_SECONDS}; rm -f "$0"', filler], check=True)


def fill_disk(lake: str | None = None) -> Path:
    """Leave no byte on the lake's disk, and return the file that holds them all."""
    filler = Path(lake or Settings().lake) / "filler"
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(65_536))
    return filler


def _disarm(failpoint: str) -> bool:
    """Return whether this is the step that was named, and take its name away, so that it happens once."""
    armed = Path(os.environ[ARMED_FILE_VAR])
    with suppress(FileNotFoundError):
        if failpoint and armed.read_text(encoding="utf-8") == failpoint:
            armed.unlink()
            return True
    return False
