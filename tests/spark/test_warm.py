"""A JVM that is kept warm serves one job after another, and does not outlive one that died in it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from lakehouse.local.addresses import environment, on_free_ports
from lakehouse.local.java import java_home
from lakehouse.local.service import job
from lakehouse.settings import ROOT
from lakehouse.waiting import wait_until

# Says which JVM it runs in, and how many rows a table of this session has; then waits to be killed, if asked to.
JOB = """
import os, sys, time
from lakehouse.cdc.session import session
from lakehouse.settings import Settings
with session(Settings(), "refresh", warm=True) as spark:
    spark.range(3).createOrReplaceTempView("here")
    jvm = spark._jvm.java.lang.ProcessHandle.current().pid()
    print(jvm, spark.table("here").count(), flush=True)
    if sys.argv[1:]:
        sys.stdin.read()
"""


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    # A socket's path is short, a test's folder is not.
    settings = on_free_ports(tmp_path).model_copy(
        update={"java_home": java_home(ROOT / ".local"), "warm_session": Path(os.path.relpath(tmp_path / "w", ROOT))}
    )
    return environment(settings)


@pytest.fixture
def keeper(environ: dict[str, str], tmp_path: Path) -> Iterator[psutil.Process]:
    with (tmp_path / "keeper.log").open("w") as log:
        started = subprocess.Popen(job("warm_session.py"), env=environ, stdout=log, stderr=log, cwd=ROOT)
        try:
            wait_until(lambda: _ready(tmp_path) == 1, timeout=60, missing="the JVM to be ready")
            yield psutil.Process(started.pid)
        finally:
            started.terminate()
            assert started.wait(timeout=30) == 0


def test_jobs_one_after_another_run_in_it(keeper: psutil.Process, environ: dict[str, str]) -> None:
    [kept] = _jvms(keeper)
    assert [_run(environ), _run(environ)] == [f"{kept} 3", f"{kept} 3"]


@pytest.mark.long
def test_one_that_dies_takes_it_along(keeper: psutil.Process, environ: dict[str, str], tmp_path: Path) -> None:
    [kept] = _jvms(keeper)
    with subprocess.Popen(
        (sys.executable, "-c", JOB, "wait"), env=environ, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as dies:
        assert dies.stdout
        assert dies.stdout.readline().decode().strip() == f"{kept} 3"
        # While one has it, another goes without.
        assert not _run(environ).startswith(str(kept))
        dies.send_signal(signal.SIGKILL)
        wait_until(lambda: not psutil.pid_exists(kept), timeout=10, missing="the JVM to be gone")
    wait_until(lambda: _ready(tmp_path) == 2, timeout=60, missing="another JVM to be ready")
    [other] = _jvms(keeper)
    assert _run(environ) == f"{other} 3"


def _run(environ: dict[str, str]) -> str:
    done = subprocess.run(
        (sys.executable, "-c", JOB), env=environ, cwd=ROOT, capture_output=True, text=True, check=True, timeout=120
    )
    return done.stdout.strip()


def _jvms(keeper: psutil.Process) -> list[int]:
    return [child.pid for child in keeper.children(recursive=True) if child.name() == "java"]


def _ready(folder: Path) -> int:
    return (folder / "keeper.log").read_text(encoding="utf-8").count("ready")
