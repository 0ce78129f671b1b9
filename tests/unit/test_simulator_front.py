"""The simulator's front: any python may start it."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

from lakehouse.settings import ROOT

FRONT = ROOT / "simulate_new_strava_activities.py"


def start(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Start a copy in the folder with a python that has none of our packages, and nothing else on its path."""
    shutil.copy(FRONT, folder)
    command = [str(Path(sys.base_prefix) / "bin" / "python3"), "-I", str(folder / FRONT.name), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={"PATH": str(folder)})


def test_an_old_python_can_read_it() -> None:
    ast.parse(FRONT.read_text(encoding="utf-8"), feature_version=(3, 6))


def test_it_says_in_one_line_what_to_do_where_nothing_is_set_up(tmp_path: Path) -> None:
    said = start(tmp_path)
    assert said.returncode == 1
    assert said.stderr.startswith("error: neither .venv nor a running compose stack here.")
    assert len(said.stderr.splitlines()) == 1


def test_it_goes_on_in_the_venv_with_its_arguments(tmp_path: Path) -> None:
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\nshift\necho "venv: $*"\n')
    python.chmod(0o755)
    assert start(tmp_path, "--count", "3").stdout == "venv: --count 3\n"


def test_without_a_venv_it_goes_on_inside_the_compose_stack(tmp_path: Path) -> None:
    docker = tmp_path / "docker"
    docker.write_text('#!/bin/sh\necho "docker: $*"\n')
    docker.chmod(0o755)
    (tmp_path / "docker-compose.yml").touch()
    expected = "docker: compose run --rm pipeline python simulate_new_strava_activities.py --count 3\n"
    assert start(tmp_path, "--count", "3").stdout == expected


def test_a_compose_file_alone_is_no_running_stack(tmp_path: Path) -> None:
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\n")
    docker.chmod(0o755)
    (tmp_path / "docker-compose.yml").touch()
    assert start(tmp_path).returncode == 1
