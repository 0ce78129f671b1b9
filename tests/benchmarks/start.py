"""How long everything takes to start on data that is there, and what it takes of memory and processor."""

import re
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import suppress

import psutil

from benchmarks.lines import Line
from benchmarks.load import load
from benchmarks.options import Options
from benchmarks.system import Say, System, system
from lakehouse.errors import NotReady
from lakehouse.waiting import wait_until

SECTION = "start"
BUSY = 500.0  # changes a second
READY = re.compile(r"^(\S+)\s+ready after\s+([\d.]+) s")
ALL = "all of it"
TARGET_IDLE, SETTLES = 15.0, 300.0  # % of a core; seconds in which what starting leaves to compile is compiled


def measure(options: Options, say: Say) -> Generator[Line, None, None]:
    """Give the lines, of a stack of its own that was up before."""
    told: list[str] = []

    def listen(text: str) -> None:
        told.append(text)
        say(text)

    with system(listen) as it:
        it.stack.up()
        it.load_company()
        it.stack.down()
        told.clear()
        began = time.monotonic()
        it.stack.up()
        yield Line(SECTION, "make up, all services ready", "s", ours=time.monotonic() - began, target=40)
        for service, seconds in ready_times(told).items():
            yield Line(SECTION, f"{service} ready", "s", ours=seconds)
        it.drain(120)
        yield Line(SECTION, "make up, until Bronze takes changes in", "s", ours=time.monotonic() - began)
        with suppress(NotReady):  # what never calms down is measured as it is
            wait_until(lambda: _processor(it, 5.0) < TARGET_IDLE, timeout=SETTLES, missing="the stack to settle")
        say(f"idle for {options.idle:.0f} s")
        yield Line(SECTION, "processor when idle", "% of a core", ours=_processor(it, options.idle), target=TARGET_IDLE)
        yield from _held(it, "idle")
        with load(it, BUSY) as going_on:
            wait_until(lambda: going_on.count > options.idle * BUSY, timeout=600, missing="the load")
            yield from _held(it, f"at {BUSY:.0f}/s")


def ready_times(told: list[str]) -> dict[str, float]:
    """Give each service's seconds, by what a stack says as it starts."""
    found = (READY.match(text) for text in told)
    return {match[1]: float(match[2]) for match in found if match}


def _held(it: System, when: str) -> Iterator[Line]:
    """Give the memory of each service, what processes share divided among them."""
    held = {one.name: _proportional(one.pid) for one in it.stack.status() if one.pid}
    yield Line(SECTION, f"memory, {ALL}, {when}", "MiB", ours=sum(held.values()), target=3_584)
    for service, mib in held.items():
        yield Line(SECTION, f"memory, {service}, {when}", "MiB", ours=mib)


def _proportional(pid: int) -> float:
    total = 0
    for process in _family(pid):
        with suppress(psutil.Error):
            total += process.memory_full_info().pss
    return total / 2**20


def _processor(it: System, seconds: float) -> float:
    """Give what all processes of the stack take of one core, in percent, over so many seconds."""
    before = _used(it)
    began = time.monotonic()
    time.sleep(seconds)  # how long is what is measured
    after, took = _used(it), time.monotonic() - began
    return 100 * sum(used - before.get(process, 0.0) for process, used in after.items()) / took


def _used(it: System) -> Mapping[tuple[int, float], float]:
    """Give the seconds of processor that each process of the stack has used, its supervisor's included."""
    pid = int((it.stack.home / "run" / "supervisord.pid").read_text(encoding="ascii"))
    used = {}
    for process in _family(pid):
        with suppress(psutil.Error):
            times = process.cpu_times()
            used[process.pid, process.create_time()] = times.user + times.system
    return used


def _family(pid: int) -> list[psutil.Process]:
    with suppress(psutil.Error):
        main = psutil.Process(pid)
        return [main, *main.children(recursive=True)]
    return []
