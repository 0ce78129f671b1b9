"""The seconds of each step from a clone to the figures: on the screen, and in a file for whoever sums them up.

Standard library only, in syntax that an old Python can parse: an installation uses it before the packages are there.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TIMES_FILE = "step-times.jsonl"
MIN_PRINTED_SECONDS = 2.0
# The steps of `make install`, and what runs beside the services' start.
PYTHON_ENVIRONMENT, JARS, JAVA_BUILD, AOT_CACHE = "Python environment", "jars", "Java build", "AOT cache"
INSTALL_STEPS = (PYTHON_ENVIRONMENT, JARS, JAVA_BUILD)


def record(home: Path, step: str, seconds: float) -> None:
    """Append a step's duration to the file in `home`; one write, so that several processes can.

    Where it cannot be written, a line says so: no step fails for its own stopwatch.
    """
    line = json.dumps({"step": step, "seconds": round(seconds, 2)}) + "\n"
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(str(home / TIMES_FILE), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, line.encode("utf-8"))
        finally:
            os.close(descriptor)
    except OSError as error:
        print(f"{step}: its {seconds:.0f} s could not be noted: {error}", file=sys.stderr)


def read_times(home: Path) -> dict[str, float]:
    """Return the last duration of each step, in seconds; none where the file is absent. Other lines are left out."""
    try:
        lines = (home / TIMES_FILE).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    return dict(step for line in lines for step in _parse(line))


def only_install_steps(times: dict[str, float]) -> dict[str, float]:
    """Return the steps of `make install`, in their order."""
    return {step: times[step] for step in INSTALL_STEPS if step in times}


def describe(times: dict[str, float]) -> str:
    """Return the steps and their seconds in one line."""
    return ", ".join(f"{step} {seconds:.0f} s" for step, seconds in times.items())


@contextmanager
def timed_step(home: Path, step: str) -> Iterator[None]:
    """Record the seconds of the block, and print them where they are over two. A block that raises is not recorded."""
    began = monotonic()
    yield
    seconds = monotonic() - began
    if seconds > MIN_PRINTED_SECONDS:
        print(f"{step}: {seconds:.0f} s", flush=True)
    record(home, step, seconds)


def _parse(line: str) -> list[tuple[str, float]]:
    try:
        entry = json.loads(line)
        return [(str(entry["step"]), float(entry["seconds"]))]
    except (ValueError, KeyError, TypeError):
        return []
