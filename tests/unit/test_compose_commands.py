"""Law: a command of a person goes on where its Postgres and the passwords are."""

import os
from pathlib import Path

import pytest

from lakehouse.compose import run_inside, running_compose

DOCKER = """#!/bin/sh
echo "$*" >> calls
case "$*" in *"ps -q"*) cat running ;; *) exit 3 ;; esac
"""


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a checkout in which a docker of ours says that compose runs, and notes how it is called."""
    for folder in ("bin", "scripts/Jobs_Spark", "scripts/ETL_Full_Load", "scripts/lakehouse"):
        (tmp_path / folder).mkdir(parents=True)
    docker = tmp_path / "bin" / "docker"
    docker.write_text(DOCKER)
    docker.chmod(0o755)
    (tmp_path / "docker-compose.yml").touch()
    (tmp_path / "running").write_text("4f0c\n")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    return tmp_path


def calls(checkout: Path) -> list[str]:
    return (checkout / "calls").read_text().splitlines() if (checkout / "calls").exists() else []


@pytest.mark.parametrize("name", ["scripts/Jobs_Spark/maintain.py", "scripts/ETL_Full_Load/pipeline.py"])
def test_program_goes_on_inside_with_its_arguments_and_exit_code(checkout: Path, name: str) -> None:
    assert run_inside(checkout, checkout / name, ["--as-of", "2026-01-31"], {}) == 3
    assert calls(checkout)[-1] == f"compose run --rm pipeline python {name} --as-of 2026-01-31"


def test_folder_from_which_it_is_called_does_not_matter(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(checkout / "scripts" / "Jobs_Spark")
    assert run_inside(checkout, Path("maintain.py"), [], {}) == 3
    assert calls(checkout)[-1].endswith("python scripts/Jobs_Spark/maintain.py")


def test_other_programs_and_help_stay_here_without_a_question_to_docker(checkout: Path) -> None:
    job = checkout / "scripts" / "Jobs_Spark" / "maintain.py"
    for program in (checkout / "scripts/lakehouse/local/__main__.py", Path("-c"), Path("/usr/bin/pytest")):
        assert run_inside(checkout, program, [], {}) is None
    for arguments in (["--help"], ["--as-of", "x", "-h"]):
        assert run_inside(checkout, job, arguments, {}) is None
    for environment in ({"LAKEHOUSE_ENVIRONMENT_ONLY": "yes"}, {"DB_HOST": "pg.example.org"}):
        assert run_inside(checkout, job, [], environment) is None
    assert calls(checkout) == []


def test_named_postgres_of_the_env_file_and_local_services_keep_it_here(checkout: Path) -> None:
    job = checkout / "scripts" / "Jobs_Spark" / "maintain.py"
    (checkout / ".env").write_text("DB_HOST=pg.example.org\n")
    assert run_inside(checkout, job, [], {}) is None
    (checkout / ".env").write_text("# DB_HOST=pg.example.org\n")
    (checkout / ".local" / "run").mkdir(parents=True)
    addresses = checkout / ".local" / "run" / "addresses.env"
    addresses.touch()
    assert run_inside(checkout, job, [], {}) is None
    addresses.unlink()
    assert run_inside(checkout, job, [], {}) == 3


def test_compose_that_does_not_run_here_is_none(checkout: Path) -> None:
    assert running_compose(checkout) == ("docker", "compose")
    (checkout / "running").write_text("")
    assert running_compose(checkout) == ()
    (checkout / "running").unlink()
    assert running_compose(checkout) == (), "docker's error is no answer"
    (checkout / "docker-compose.yml").unlink()
    assert running_compose(checkout) == ()
