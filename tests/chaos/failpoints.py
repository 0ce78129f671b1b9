"""The failpoints of the jobs: where a job can crash, or find the lake's disk full.

The file that CHAOS_ARMED names holds the armed failpoint. The job that reaches it deletes the file.
Then it kills itself and its JVM, or fills the lake's disk for 5 s and continues.
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
BEFORE_MARK_SENT, AFTER_ENQUEUE = "message sent, not marked", "messages enqueued, offsets not committed"
BEFORE_SAVE_RESULTS = "distances received, not saved"
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
        script: tuple(f"{table} {step}" for table in tables for step in (BEFORE_COMMIT, AFTER_COMMIT, DISK_FULL))
        for script, tables in TABLES_WRITTEN.items()
    },
    NOTIFIER: (BEFORE_MARK_SENT, AFTER_ENQUEUE),
    DISTANCE_WORKER: (BEFORE_SAVE_RESULTS,),
}
DISK_FULL_SECONDS = 5  # seconds


def crash_at(failpoint: str) -> None:
    """Kill this process and its group with SIGKILL if this failpoint is armed."""
    if _disarm(failpoint):
        os.killpg(0, signal.SIGKILL)


def fill_disk_at(failpoint: str) -> None:
    """Fill the lake's disk for 5 s, without waiting, if this failpoint is armed."""
    if _disarm(failpoint):
        filler = fill_disk(Path(Settings().lake))
        # A detached process: the disk is emptied again even if this process or its group is killed meanwhile.
        subprocess.run(["setsid", "--fork", "sh", "-c", f'sleep {DISK_FULL_SECONDS}; rm -f "$0"', filler], check=True)


def fill_disk(folder: Path) -> Path:
    """Fill the folder's disk to the last byte, and return the file that fills it."""
    filler = folder / "filler"
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(65_536))
    return filler


def _disarm(failpoint: str) -> bool:
    """Return whether this failpoint is armed, and delete the file that names it, so that it fires once."""
    armed = Path(os.environ[ARMED_FILE_VAR])
    with suppress(FileNotFoundError):
        if failpoint and armed.read_text(encoding="utf-8") == failpoint:
            armed.unlink()
            return True
    return False
