#!/usr/bin/env python3
"""Simulate new activities of employees who practise a sport; --help says how.

Must parse with Python 3.6: it hands over to the project's own Python, and until then uses only the standard library.
"""

import os
import subprocess
import sys
from pathlib import Path
from shutil import which

PROJECT_DIR = Path(__file__).resolve().parent
VENV = PROJECT_DIR / ".venv"
LOCAL_ADDRESSES = PROJECT_DIR / ".local" / "run" / "addresses.env"  # there while the services of make up run
INSIDE = "LAKEHOUSE_ENVIRONMENT_ONLY"  # set where a stack runs a program
NO_RUNTIME_HINT = "error: neither .venv nor a running compose stack here. Run make up, or docker compose up -d --build."


def main() -> None:
    """Run the simulator where the passwords are: in compose's pipeline while it runs, else here or in .venv."""
    compose = [] if INSIDE in os.environ or LOCAL_ADDRESSES.exists() else _find_running_compose()
    if compose:
        run = [*compose, "run", "--rm", "pipeline", "python", "simulate_new_strava_activities.py", *sys.argv[1:]]
        sys.exit(subprocess.call(run, cwd=str(PROJECT_DIR)))
    try:
        from lakehouse.simulator.cli import main as simulate  # noqa: PLC0415 - the bare python may not have it
    except ImportError:
        _rerun_in_project_runtime(sys.argv[1:])
    else:
        simulate()


def _rerun_in_project_runtime(arguments: list) -> None:  # type: ignore[type-arg] # list[str] is too new for an old python
    python = VENV / "bin" / "python"
    if python.exists() and Path(sys.prefix).resolve() != VENV.resolve():
        ours = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        os.execve(str(python), [str(python), str(Path(__file__).resolve()), *arguments], ours)  # noqa: S606 - ours
    sys.exit(NO_RUNTIME_HINT)


def _find_running_compose() -> list:  # type: ignore[type-arg] # as above
    """Return the compose command whose stack runs here, or an empty list."""
    if (PROJECT_DIR / "docker-compose.yml").exists():
        for command in (["docker", "compose"], ["docker-compose"]):
            if which(command[0]) and _has_output([*command, "ps", "-q"]):
                return command
    return []


def _has_output(command: list) -> bool:  # type: ignore[type-arg] # as above
    result = subprocess.run(
        command, cwd=str(PROJECT_DIR), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False
    )
    return result.returncode == 0 and bool(result.stdout.strip())


if __name__ == "__main__":
    main()
