#!/usr/bin/env python3
"""Simulate new activities of employees who practise a sport; --help says how.

Runs with whatever `python` the machine has: up to the hand-over only the standard library, and old syntax.
"""

import os
import subprocess
import sys
from pathlib import Path
from shutil import which

HERE = Path(__file__).resolve().parent
VENV = HERE / ".venv"
NOWHERE = "error: neither .venv nor a running compose stack here. Run `make up`, or `docker compose up -d --build`."


def main() -> None:
    """Continue where the project's packages are: here, in .venv, or in the running compose stack."""
    try:
        from lakehouse.source.simulate import main as simulate  # noqa: PLC0415 - the bare python may not have it
    except ImportError:
        _continue_elsewhere(sys.argv[1:])
    else:
        simulate()


def _continue_elsewhere(arguments: list) -> None:  # type: ignore[type-arg] # list[str] is too new for an old python
    python = VENV / "bin" / "python"
    if python.exists() and Path(sys.prefix).resolve() != VENV.resolve():
        os.execv(str(python), [str(python), str(Path(__file__).resolve()), *arguments])  # noqa: S606 - our own python
    compose = _running_compose()
    if not compose:
        sys.exit(NOWHERE)
    inside = ["run", "--rm", "pipeline", "python", "simulate_new_strava_activities.py"]
    sys.exit(subprocess.call([*compose, *inside, *arguments], cwd=str(HERE)))


def _running_compose() -> list:  # type: ignore[type-arg] # as above
    """Give the compose command whose stack runs here, or nothing."""
    if (HERE / "docker-compose.yml").exists():
        for command in (["docker", "compose"], ["docker-compose"]):
            if which(command[0]) and _says_something([*command, "ps", "-q"]):
                return command
    return []


def _says_something(command: list) -> bool:  # type: ignore[type-arg] # as above
    said = subprocess.run(command, cwd=str(HERE), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    return said.returncode == 0 and bool(said.stdout.strip())


if __name__ == "__main__":
    main()
