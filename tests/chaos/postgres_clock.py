"""A clock of Postgres's own, by libfaketime: it differs from this machine's by the seconds that a file names.

The monotonic clock stays right, as it does where an administrator or NTP sets a clock back.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

# The wheel's copy, then Debian's and Ubuntu's.
WHEEL_LIBRARY = "vendor/libfaketime/src/libfaketime.so.1"
SYSTEM_LIBRARIES = "*/faketime/libfaketime.so.1"
# Seconds until a process reads the file again.
RELOAD_INTERVAL = 1
PROBED_OFFSET, PROBE_TOLERANCE = -3_600, 60.0  # seconds


@cache
def find_library() -> Path | None:
    """Return the libfaketime that works on this machine; None where there is none.

    The wheel is of any platform by its name, and its library is not.
    """
    return next((library for library in _installed_libraries() if _shifts_clock(library)), None)


def with_clock(command: tuple[str, ...], clock_file: Path) -> tuple[str, ...]:
    """Return the command, run by the clock of the file; unchanged where this machine has no libfaketime."""
    library = find_library()
    if library is None:
        return command
    set_clock(clock_file, 0)
    variables = _variables(library, clock_file)
    return ("env", *(f"{name}={value}" for name, value in variables.items()), *command)


def set_clock(clock_file: Path, offset: int) -> None:
    """Set the clock of the file's processes to this machine's plus `offset` seconds, within RELOAD_INTERVAL."""
    clock_file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = clock_file.with_suffix(".unfinished")
    unfinished.write_text(f"{offset:+d}\n", encoding="utf-8")
    unfinished.replace(clock_file)


def _variables(library: Path, clock_file: Path) -> Mapping[str, str]:
    return {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(clock_file),
        "FAKETIME_CACHE_DURATION": str(RELOAD_INTERVAL),
        # The second name is that of version 0.9.10 and later.
        "DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "NO_FAKE_STAT": "1",
    }


def _installed_libraries() -> Iterator[Path]:
    package = find_spec("libfaketime")
    folders = (package.submodule_search_locations or []) if package else []
    yield from (library for folder in folders if (library := Path(folder) / WHEEL_LIBRARY).exists())
    yield from sorted(Path("/usr/lib").glob(SYSTEM_LIBRARIES))


def _shifts_clock(library: Path) -> bool:
    """Return whether a process under the library reads the shifted time; the loader skips one of another platform."""
    with TemporaryDirectory() as folder:
        clock_file = Path(folder) / "clock"
        set_clock(clock_file, PROBED_OFFSET)
        completed = subprocess.run(
            [sys.executable, "-c", "import time; print(time.time())"],
            env={**os.environ, **_variables(library, clock_file)},
            capture_output=True,
            text=True,
            check=False,
        )
    if completed.returncode != 0:
        return False
    return abs(float(completed.stdout) - time.time() - PROBED_OFFSET) < PROBE_TOLERANCE
