"""What is read of a process and of its children, one of which has ended."""

import subprocess

import psutil

from lakehouse.retries import wait_until
from support.processes import read_family
from support.timing import seconds


def test_a_child_that_ended_is_left_out() -> None:
    with (
        subprocess.Popen(["cat"], stdin=subprocess.PIPE) as living,
        subprocess.Popen(["true"]) as ended,
    ):
        zombie = psutil.Process(ended.pid)
        wait_until(lambda: zombie.status() == psutil.STATUS_ZOMBIE, timeout=seconds(10), missing="the child's end")
        environments = dict(read_family(psutil.Process(), lambda one: (one.pid, one.environ())))
    assert environments.keys() >= {psutil.Process().pid, living.pid}
    assert ended.pid not in environments
