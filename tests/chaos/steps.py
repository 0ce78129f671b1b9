"""The steps at which a job can be told to die, and dying there.

The step is named in the file CHAOS_ARMED; the job that comes by takes the file away and is gone, with its JVM.
"""

import os
import signal
from contextlib import suppress
from pathlib import Path

ARMED = "CHAOS_ARMED"
WRITTEN, COMMITTED = "written, not committed", "committed"
STREAM, REFRESH = "continuous_master_stream.py", "batch_refresh_silver_gold.py"
MAINTENANCE = "maintain.py"
NOTIFIER, WORKER = "slack_new_activity_notifier.py", "distance_worker.py"
RUN_AS = {STREAM: "stream-processor", NOTIFIER: "slack-notifier", WORKER: "distance-worker", REFRESH: "refresh"}
ANSWERED, OWED = "message answered, not noted", "messages owed, offsets not committed"
MEASURED = "distances answered, not noted"
WRITES = {
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
STEPS: dict[str, tuple[str, ...]] = {
    **{
        script: tuple(f"{one} {when}" for one in written for when in (WRITTEN, COMMITTED))
        for script, written in WRITES.items()
    },
    NOTIFIER: (ANSWERED, OWED),
    WORKER: (MEASURED,),
}


def die_at(step: str) -> None:
    """Kill this process and all of its group where this is the step that was named."""
    armed = Path(os.environ[ARMED])
    with suppress(FileNotFoundError):
        if step and armed.read_text(encoding="utf-8") == step:
            armed.unlink()
            os.killpg(0, signal.SIGKILL)
