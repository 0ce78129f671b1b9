"""The simulator's launcher: any Python can start it."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

from lakehouse.settings import ROOT

LAUNCHER = ROOT / "simulate_new_strava_activities.py"


def run_launcher(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a copy from the folder, with a Python without our packages and with only the folder on PATH."""
    shutil.copy(LAUNCHER, folder)
    command = [str(Path(sys.base_prefix) / "bin" / "python3"), "-I", str(folder / LAUNCHER.name), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={"PATH": str(folder), **variables})


def test_simulator_launcher_parses_on_python_3_6() -> None:
    ast.parse(LAUNCHER.read_text(encoding="utf-8"), feature_version=(3, 6))


def test_simulator_launcher_without_a_setup_is_a_one_line_error(tmp_path: Path) -> None:
    completed = run_launcher(tmp_path)
    assert completed.returncode == 1
    assert completed.stderr.startswith("error: neither .venv nor a running compose stack here.")
    assert len(completed.stderr.splitlines()) == 1


def test_simulator_launcher_runs_in_the_venv_with_its_arguments(tmp_path: Path) -> None:
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\nshift\necho "venv: $*"\n')
    python.chmod(0o755)
    assert run_launcher(tmp_path, "--count", "3").stdout == "venv: --count 3\n"


def test_simulator_launcher_without_a_venv_runs_in_the_compose_stack(tmp_path: Path) -> None:
    docker = tmp_path / "docker"
    docker.write_text('#!/bin/sh\necho "docker: $*"\n')
    docker.chmod(0o755)
    (tmp_path / "docker-compose.yml").touch()
    expected = "docker: compose run --rm pipeline python simulate_new_strava_activities.py --count 3\n"
    assert run_launcher(tmp_path, "--count", "3").stdout == expected


def test_simulator_launcher_runs_in_the_compose_stack_where_the_passwords_are_also_with_a_venv(tmp_path: Path) -> None:
    for name, text in (("docker", 'echo "docker: $*"'), (".venv/bin/python", 'shift\necho "venv: $*"')):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    (tmp_path / "docker-compose.yml").touch()
    inside = "docker: compose run --rm pipeline python simulate_new_strava_activities.py --count 3\n"
    assert run_launcher(tmp_path, "--count", "3").stdout == inside
    addresses = tmp_path / ".local" / "run" / "addresses.env"
    addresses.parent.mkdir(parents=True)
    addresses.touch()
    assert run_launcher(tmp_path, "--count", "3").stdout == "venv: --count 3\n", "the services of make up run"
    addresses.unlink()
    of_a_stack = run_launcher(tmp_path, "--count", "3", LAKEHOUSE_ENVIRONMENT_ONLY="yes")
    assert of_a_stack.stdout == "venv: --count 3\n", "a stack gave it all settings"


def test_simulator_launcher_ignores_a_compose_stack_that_is_not_running(tmp_path: Path) -> None:
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\n")
    docker.chmod(0o755)
    (tmp_path / "docker-compose.yml").touch()
    assert run_launcher(tmp_path).returncode == 1


def test_simulator_launcher_does_not_pass_on_the_variables_of_its_own_python(tmp_path: Path) -> None:
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\nenv\n")
    python.chmod(0o755)
    shutil.copy(LAUNCHER, tmp_path)
    variables = {"PATH": str(os.environ["PATH"]), "PYTHONPATH": "/opt/other", "PYTHONOPTIMIZE": "1", "OTHER": "1"}
    command = [str(Path(sys.base_prefix) / "bin" / "python3"), str(tmp_path / LAUNCHER.name)]
    printed = subprocess.run(command, env=variables, capture_output=True, text=True, check=True).stdout
    assert "PYTHON" not in printed
    assert "OTHER=1" in printed
