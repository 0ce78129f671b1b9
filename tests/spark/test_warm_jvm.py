"""A warm JVM serves one job after another, and ends with a job that is killed."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from lakehouse.local.java import java_home
from lakehouse.local.service import job_command
from lakehouse.local.service_addresses import environment, on_free_ports
from lakehouse.retries import wait_until
from lakehouse.settings import ROOT
from support.timing import seconds

# Prints the id of its JVM and the row count of a view of its session; with an argument it then waits to be killed.
JOB = """
import os, sys, time
from lakehouse.spark.session import session
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
    # The path of a Unix socket must be short, and a test's folder is long.
    settings = on_free_ports(tmp_path).model_copy(
        update={"java_home": java_home(ROOT / ".local"), "warm_jvm_socket": Path(os.path.relpath(tmp_path / "w", ROOT))}
    )
    return environment(settings)


@pytest.fixture
def warm_jvm_server(environ: dict[str, str], tmp_path: Path) -> Iterator[psutil.Process]:
    with (tmp_path / "warm_jvm.log").open("w") as log:
        process = subprocess.Popen(job_command("warm_session.py"), env=environ, stdout=log, stderr=log, cwd=ROOT)
        try:
            wait_until(lambda: _ready_count(tmp_path) == 1, timeout=seconds(60), missing="the JVM to be ready")
            yield psutil.Process(process.pid)
        finally:
            process.terminate()
            assert process.wait(timeout=seconds(30)) == 0


def test_successive_jobs_share_the_warm_jvm(warm_jvm_server: psutil.Process, environ: dict[str, str]) -> None:
    [jvm_pid] = _jvms(warm_jvm_server)
    assert [_run(environ), _run(environ)] == [f"{jvm_pid} 3", f"{jvm_pid} 3"]


@pytest.mark.long
def test_killed_job_ends_its_warm_jvm_and_another_one_starts(
    warm_jvm_server: psutil.Process, environ: dict[str, str], tmp_path: Path
) -> None:
    [jvm_pid] = _jvms(warm_jvm_server)
    with subprocess.Popen(
        (sys.executable, "-c", JOB, "wait"), env=environ, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as killed_job:
        assert killed_job.stdout
        assert killed_job.stdout.readline().decode().strip() == f"{jvm_pid} 3"
        # While one job uses the warm JVM, another starts its own.
        assert not _run(environ).startswith(str(jvm_pid))
        killed_job.send_signal(signal.SIGKILL)
        wait_until(lambda: not psutil.pid_exists(jvm_pid), timeout=seconds(10), missing="the JVM to be gone")
    wait_until(lambda: _ready_count(tmp_path) == 2, timeout=seconds(60), missing="another JVM to be ready")
    [new_jvm_pid] = _jvms(warm_jvm_server)
    assert _run(environ) == f"{new_jvm_pid} 3"


def _run(environ: dict[str, str]) -> str:
    completed = subprocess.run(
        (sys.executable, "-c", JOB),
        env=environ,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=seconds(120),
    )
    return completed.stdout.strip()


def _jvms(server: psutil.Process) -> list[int]:
    return [child.pid for child in server.children(recursive=True) if child.name() == "java"]


def _ready_count(folder: Path) -> int:
    return (folder / "warm_jvm.log").read_text(encoding="utf-8").count("ready")
