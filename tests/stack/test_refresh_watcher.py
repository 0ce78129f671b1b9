"""A watcher keeps the figures fresh: through a JVM that dies, beside other commands, and until it is stopped."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from lakehouse.errors import LockHeld
from lakehouse.local.service import job_command
from lakehouse.local.stack import Stack
from lakehouse.retries import wait_until
from lakehouse.serving.client import query
from lakehouse.source.lease import Lease
from lakehouse.source.postgres import connect
from lakehouse.source.seed_rules import seed_rules
from stack.activity_events import insert_employee
from support.timing import seconds

WATCHED_ID = 990_001
FIGURE = f"SELECT count(*) FROM gold.v_prime_sportive WHERE employee_id = {WATCHED_ID}"  # noqa: S608 - a constant


@dataclass(frozen=True)
class RunningWatcher:
    """A watcher as a process, and its log."""

    process: "subprocess.Popen[bytes]"
    log: Path

    def count(self, event: str) -> int:
        return self.log.read_text(encoding="utf-8").count(event)

    def wait_for(self, event: str, count: int = 1) -> None:
        wait_until(
            lambda: self.count(event) >= count or self.process.poll() is not None,
            timeout=seconds(120),
            missing=lambda: f"{count} times {event} in the log: {self.log.read_text(encoding='utf-8')[-3_000:]}",
        )
        assert self.process.poll() is None, self.log.read_text(encoding="utf-8")[-3_000:]

    def jvm(self) -> psutil.Process:
        [jvm] = [child for child in psutil.Process(self.process.pid).children() if child.name() == "java"]
        return jvm


@pytest.fixture
def live_stack(stack: Stack) -> Iterator[Stack]:
    """Yield the shared stack with a reward rule in force, and without the test's employee afterwards."""
    with connect(stack.settings, autocommit=True) as conn:
        seed_rules(conn, stack.settings)  # and leave them: Postgres keeps its first rule
    yield stack
    write_employee(stack, present=False)


@contextmanager
def watching(stack: Stack, folder: Path) -> Iterator[RunningWatcher]:
    log = folder / "watcher.log"
    with log.open("ab") as output:
        command = job_command("batch_refresh_silver_gold.py", "--watch", "1s")
        process = subprocess.Popen(command, env=stack.environment(), stdout=output, stderr=output)
        try:
            yield RunningWatcher(process, log)
        finally:
            process.kill()
            process.wait()


def write_employee(stack: Stack, *, present: bool) -> None:
    with connect(stack.settings, autocommit=True) as conn:
        if present:
            insert_employee(conn, WATCHED_ID)
        else:
            conn.execute("DELETE FROM rh_employees WHERE id = %s", [WATCHED_ID])


def wait_for_figure(stack: Stack, *, present: bool) -> None:
    wait_until(
        lambda: query(stack.settings, FIGURE).rows == [(int(present),)],
        timeout=seconds(120),
        missing=f"a figure that follows Postgres: the employee is there {present}",
    )


def is_refreshing(stack: Stack) -> bool:
    with closing(Lease(stack.settings, "refresh")) as lease:
        try:
            lease.acquire()
        except LockHeld:
            return True
        lease.release()
    return False


def test_commit_is_in_gold_without_a_command_and_sigterm_ends_a_refresh_under_way(
    live_stack: Stack, tmp_path: Path
) -> None:
    """Take about a minute: a JVM starts twice."""
    with watching(live_stack, tmp_path) as watcher:
        watcher.wait_for("refresh_completed")
        killed = watcher.jvm()
        killed.kill()
        write_employee(live_stack, present=True)
        wait_for_figure(live_stack, present=True)
        watcher.wait_for("refresh_completed", 2)
        assert watcher.count("refresh_failed") >= 1, "the JVM was killed"
        assert watcher.jvm().pid != killed.pid

        with closing(Lease(live_stack.settings, "refresh")) as command:
            command.acquire(seconds(60))  # as a command does that is given meanwhile
            completed = watcher.count("refresh_completed")
            write_employee(live_stack, present=False)
            wait_until(lambda: is_waiting_for_lock(live_stack), timeout=seconds(60), missing="the watcher's turn")
            assert watcher.count("refresh_completed") == completed
            command.release()
        wait_for_figure(live_stack, present=False)

        write_employee(live_stack, present=True)
        wait_until(lambda: is_refreshing(live_stack), timeout=seconds(60), missing="a refresh under way")
        jvm = watcher.jvm()
        watcher.process.send_signal(signal.SIGTERM)
        assert watcher.process.wait(seconds(20)) == 0, watcher.log.read_text(encoding="utf-8")[-3_000:]
        assert not jvm.is_running()
        assert not is_refreshing(live_stack)
    assert watcher.count("watch_stopped") == 1
    assert watcher.count("Traceback") == 0


@pytest.mark.long
def test_watcher_that_is_killed_in_a_refresh_goes_on_after_its_next_start(live_stack: Stack, tmp_path: Path) -> None:
    with watching(live_stack, tmp_path) as watcher:
        watcher.wait_for("refresh_completed")
        write_employee(live_stack, present=True)
        wait_until(lambda: is_refreshing(live_stack), timeout=seconds(60), missing="a refresh under way")
        jvm = watcher.jvm()
        watcher.process.kill()
        psutil.wait_procs([jvm], timeout=seconds(30))
        assert not jvm.is_running(), "a JVM ends with its process"
    with watching(live_stack, tmp_path) as again:
        wait_for_figure(live_stack, present=True)
        again.process.send_signal(signal.SIGINT)
        assert again.process.wait(seconds(20)) == 130


def is_waiting_for_lock(stack: Stack) -> bool:
    with connect(stack.settings) as conn:
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        return conn.execute(waiting).fetchone() != (0,)
