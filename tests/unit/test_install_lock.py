"""Law: one make installs into a checkout at a time, and a second one names the process that it waits for."""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lakehouse.local import install_lock
from lakehouse.local.stack import Stack
from lakehouse.settings import ROOT

HOLD = "import sys; print('holding', flush=True); sys.stdin.read()"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a checkout of the lock alone, so that no installation of this one is waited for."""
    folder = tmp_path / "c'est ici"
    (folder / "scripts/lakehouse/local").mkdir(parents=True)
    shutil.copy(ROOT / "scripts/lakehouse/local/install_lock.py", folder / "scripts/lakehouse/local")
    return folder


def start(checkout: Path, *command: str) -> "subprocess.Popen[str]":
    script = checkout / "scripts/lakehouse/local/install_lock.py"
    return subprocess.Popen(
        [sys.executable, "-I", str(script), *command],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def read_line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def test_second_installation_waits_and_names_the_pid_of_the_first(checkout: Path) -> None:
    first = start(checkout, sys.executable, "-c", HOLD)
    assert read_line(first) == "holding\n"
    second = start(checkout, sys.executable, "-c", "print('installing')")
    assert read_line(second) == (
        f"Another `make` installs into this checkout, with pid {first.pid}: waiting until it ends.\n"
    )
    assert second.poll() is None
    first.communicate("")
    assert second.communicate()[0] == "installing\n"
    assert (first.returncode, second.returncode) == (0, 0)


def test_children_of_a_killed_make_hold_the_lock_until_they_end(checkout: Path) -> None:
    first = start(checkout, "sh", "-c", f'{sys.executable} -c "{HOLD}"; true')
    assert read_line(first) == "holding\n"
    first.kill()
    second = start(checkout, "true")
    assert "waiting until it ends" in read_line(second)
    assert first.stdin is not None
    first.stdin.close()
    assert second.wait() == 0
    first.wait()


def test_ctrl_c_while_waiting_leaves_no_traceback(checkout: Path) -> None:
    first = start(checkout, sys.executable, "-c", HOLD)
    read_line(first)
    second = start(checkout, "true")
    read_line(second)
    second.send_signal(2)
    assert (second.communicate()[0], second.returncode) == ("", -2)
    first.communicate("")


def test_exit_code_is_that_of_the_command(checkout: Path) -> None:
    process = start(checkout, "sh", "-c", "exit 7")
    process.communicate()
    assert process.returncode == 7
    assert (checkout / ".local" / "install.lock").exists()
    assert install_lock.CHECKOUT == ROOT


def test_second_start_of_a_stack_names_the_pid_of_the_first(tmp_path: Path) -> None:
    lines: list[str] = []
    settings = Stack.on_free_ports(tmp_path).settings
    (tmp_path / "run").mkdir()
    with (tmp_path / "run" / "lock").open("w", encoding="ascii") as lock:
        lock.write("4711\n")
        lock.flush()
        fcntl.flock(lock, fcntl.LOCK_EX)

        def release(line: str) -> None:
            lines.append(line)
            fcntl.flock(lock, fcntl.LOCK_UN)

        Stack(tmp_path, settings, release).down()
    assert lines == ["another command starts or stops these services, with pid 4711: waiting"]
    assert (tmp_path / "run" / "lock").read_text(encoding="ascii") == f"{os.getpid()}\n"
