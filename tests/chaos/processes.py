"""The processes of services and jobs: found by the target's name, and suspended for a while."""

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

import psutil

from chaos.repeating_job import RepeatingJob
from chaos.system_under_test import SystemUnderTest

STREAM_SERVICE = "stream-processor"

Jobs = Mapping[str, RepeatingJob]


def processes_of(target: str, system: SystemUnderTest, jobs: Jobs) -> list[psutil.Process]:
    """Return a target's processes: its main process first, its JVM last where it has one."""
    if target in jobs:
        pid = jobs[target].pid
    else:
        pid = next(service.pid for service in system.stack.status() if service.name == target)
    if pid is None:
        return []
    try:
        main = psutil.Process(pid)
        return [main, *main.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def suspend_for(processes: Sequence[psutil.Process], seconds: float) -> Sequence[psutil.Process]:
    """Suspend the processes for a number of seconds, and return them."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.suspend()
    try:
        time.sleep(seconds)  # the duration is part of the fault
    finally:
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.resume()
    return processes
