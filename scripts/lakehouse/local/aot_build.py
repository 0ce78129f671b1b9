"""The build of Java's ahead-of-time cache, next to the start of the services: none of them waits for it.

A JVM that starts meanwhile runs without the cache. Its file appears whole, by a rename, so that none reads half of it.
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from lakehouse.errors import HOME_VAR, LakehouseError
from lakehouse.local.step_times import AOT_CACHE, timed_step
from lakehouse.settings import Settings
from lakehouse.spark.jvm_options import aot_cache_path

BUILD_COMMAND = (sys.executable, "-m", "lakehouse.spark.aot_cache")
BACKGROUND_COMMAND = (sys.executable, "-m", "lakehouse.local", "classes")
LOG_NAME = "aot-cache.log"
# The services have the processor first: whoever waits, waits for them.
NICENESS = "15"


def build_aot_cache(settings: Settings, home: Path, variables: Mapping[str, str]) -> None:
    """Build the cache (JEP 514) where there is none, which every later JVM of Spark's loads at start.

    Raises LakehouseError with the end of Java's output where it fails.
    """
    if aot_cache_path(settings).exists():
        return
    print("Building Java's ahead-of-time cache of Spark's classes: about a minute, once", flush=True)
    with timed_step(home, AOT_CACHE):
        # Java prints pages about what it reads and where it writes: shown only where it fails.
        result = subprocess.run(BUILD_COMMAND, env=dict(variables), capture_output=True, text=True, check=False)
    if result.returncode:
        raise LakehouseError(f"Java's ahead-of-time cache could not be built:\n{result.stderr[-2_000:]}")


def start_aot_build(settings: Settings, home: Path, command: tuple[str, ...] = BACKGROUND_COMMAND) -> None:
    """Start the build in the background where there is no cache. Stopping the stack stops it too.

    Its failure is in its log and stops nothing: without the cache, a JVM starts some seconds later.
    """
    if aot_cache_path(settings).exists():
        return
    (home / "logs").mkdir(parents=True, exist_ok=True)
    with (home / "logs" / LOG_NAME).open("a", encoding="utf-8") as log:
        subprocess.Popen(
            ("nice", "-n", NICENESS, *command),
            env={**os.environ, HOME_VAR: str(home)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    print(
        f"Java's cache of Spark's classes is built meanwhile, once; later starts are quicker ({log.name})", flush=True
    )
