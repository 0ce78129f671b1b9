"""The start time of the stack on existing data, and its memory and CPU use."""

import re
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import suppress

import psutil

from benchmarks.load import start_load
from benchmarks.measurements import Measurement
from benchmarks.options import Options
from benchmarks.system import BenchmarkSystem, start_system
from lakehouse.errors import NotReady
from lakehouse.retries import wait_until
from support.system import Log

START_SECTION = "start"
LOAD_RATE = 500.0  # changes a second
READY_LINE = re.compile(r"^(\S+)\s+ready after\s+([\d.]+) s")
TOTAL_LABEL = "all of it"
IDLE_CPU_TARGET = 15.0  # % of a core
SETTLE_TIMEOUT = 300.0  # seconds in which the JVMs finish compiling after the start


def measure(options: Options, log: Log) -> Generator[Measurement, None, None]:
    """Yield the measurements of the section, on a stack that was started and loaded before."""
    stack_messages: list[str] = []

    def listen(text: str) -> None:
        stack_messages.append(text)
        log(text)

    with start_system(listen) as system:
        system.stack.up()
        system.load_company()
        system.stack.down()
        stack_messages.clear()
        started_at = time.monotonic()
        system.stack.up()
        yield Measurement(
            START_SECTION, "make up, all services ready", "s", ours=time.monotonic() - started_at, target=40
        )
        for service, seconds in ready_times(stack_messages).items():
            yield Measurement(START_SECTION, f"{service} ready", "s", ours=seconds)
        system.drain(120)
        yield Measurement(
            START_SECTION, "make up, until Bronze takes changes in", "s", ours=time.monotonic() - started_at
        )
        with suppress(NotReady):  # a stack that never settles is measured as it is
            wait_until(
                lambda: _cpu_percent(system, 5.0) < IDLE_CPU_TARGET,
                timeout=SETTLE_TIMEOUT,
                missing="the stack to settle",
            )
        log(f"idle for {options.idle:.0f} s")
        yield Measurement(
            START_SECTION,
            "processor when idle",
            "% of a core",
            ours=_cpu_percent(system, options.idle),
            target=IDLE_CPU_TARGET,
        )
        yield from _measure_memory(system, "idle")
        with start_load(system, LOAD_RATE) as running_load:
            wait_until(lambda: running_load.count > options.idle * LOAD_RATE, timeout=600, missing="the load")
            yield from _measure_memory(system, f"at {LOAD_RATE:.0f}/s")


def ready_times(stack_messages: list[str]) -> dict[str, float]:
    """Return each service's seconds until it was ready, from the output of `make up`."""
    matches = (READY_LINE.match(text) for text in stack_messages)
    return {match[1]: float(match[2]) for match in matches if match}


def _measure_memory(system: BenchmarkSystem, label: str) -> Iterator[Measurement]:
    """Yield the memory (PSS) of each service and their sum; shared pages are divided among processes."""
    memory_mib = {service.name: _pss_mib(service.pid) for service in system.stack.status() if service.pid}
    yield Measurement(
        START_SECTION, f"memory, {TOTAL_LABEL}, {label}", "MiB", ours=sum(memory_mib.values()), target=3_584
    )
    for service, mib in memory_mib.items():
        yield Measurement(START_SECTION, f"memory, {service}, {label}", "MiB", ours=mib)


def _pss_mib(pid: int) -> float:
    total = 0
    for process in _process_tree(pid):
        with suppress(psutil.Error):
            total += process.memory_full_info().pss
    return total / 2**20


def _cpu_percent(system: BenchmarkSystem, seconds: float) -> float:
    """Return the CPU use of all processes of the stack over some seconds, in percent of one core."""
    before = _cpu_seconds(system)
    started_at = time.monotonic()
    time.sleep(seconds)  # the measured interval
    after, elapsed = _cpu_seconds(system), time.monotonic() - started_at
    return 100 * sum(used - before.get(process, 0.0) for process, used in after.items()) / elapsed


def _cpu_seconds(system: BenchmarkSystem) -> Mapping[tuple[int, float], float]:
    """Return the CPU seconds of each process of the stack and its supervisor, by pid and creation time."""
    pid = int((system.stack.home / "run" / "supervisord.pid").read_text(encoding="ascii"))
    used = {}
    for process in _process_tree(pid):
        with suppress(psutil.Error):
            times = process.cpu_times()
            used[process.pid, process.create_time()] = times.user + times.system
    return used


def _process_tree(pid: int) -> list[psutil.Process]:
    with suppress(psutil.Error):
        main = psutil.Process(pid)
        return [main, *main.children(recursive=True)]
    return []
