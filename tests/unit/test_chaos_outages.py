"""The longer faults of chaos: their turn in a run, the process to freeze, Postgres's clock, what cannot be made."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from chaos import outages, postgres_clock
from chaos.faults import Fault
from chaos.outages import FrozenProcess, Outage, OutageSchedule, describe_impossible, freeze_process
from chaos.summary import describe_missing_faults
from lakehouse.retries import wait_until
from support.timing import seconds

ALL_DISKS = frozenset({"lake", "kafka", "postgres"})
PRINT_CLOCK = "import time\nwhile True: print(time.time(), time.monotonic(), flush=True); time.sleep(0.1)"


def system_on(small_disks: frozenset[str] = ALL_DISKS) -> Any:
    return SimpleNamespace(small_disks=small_disks, has_small_lake_disk="lake" in small_disks)


def fake_outage(name: str, obstacle: str | None = None) -> Outage:
    return Outage(name, lambda _system, _jobs, _seed: Fault(name), lambda _system: obstacle)


@pytest.mark.parametrize(("minutes", "count"), [(0.5, 1), (1, 1), (2.5, 2), (5, 4)])
def test_run_has_an_outage_every_75_s_and_one_at_least(minutes: float, count: int) -> None:
    schedule = OutageSchedule(system_on(), 1, minutes * 60)
    assert len(schedule.due_after) == count
    assert all(0 < due < minutes * 60 for due in schedule.due_after)


def test_outages_that_the_machine_can_make_take_turns_from_the_seed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    fakes = (fake_outage("a"), fake_outage("b", "no b here"), fake_outage("c"))
    monkeypatch.setattr(outages, "OUTAGES", fakes)
    injected = {}
    for seed in (0, 1):
        schedule = OutageSchedule(system_on(), seed, 300.0, due_after=[0.0, 0.0, 0.0])
        injected[seed] = [fault.description for _ in range(4) if (fault := schedule.poll({}))]
    assert injected == {0: ["a", "c", "a"], 1: ["c", "a", "c"]}


def test_outage_that_finds_no_target_stays_due(monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes = iter([None, Fault("later")])
    monkeypatch.setattr(outages, "OUTAGES", (Outage("a", lambda *_: next(outcomes)),))
    schedule = OutageSchedule(system_on(), 1, 60.0, due_after=[0.0])
    assert [schedule.poll({}) for _ in range(3)] == [None, Fault("later"), None]


def test_faults_that_the_machine_cannot_make_are_named_in_the_last_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_clock, "find_library", lambda: None)
    assert describe_impossible(system_on(frozenset())) == [
        "Kafka's disk full (no tmpfs can be mounted)",
        "Postgres's disk full (no tmpfs can be mounted)",
        "Postgres's clock set back by an hour (no libfaketime works)",
        "the lake's disk full (no tmpfs can be mounted)",
    ]
    line = describe_missing_faults(system_on())
    assert line == "; not injected, as this machine cannot: Postgres's clock set back by an hour (no libfaketime works)"


def test_last_line_names_no_fault_where_the_machine_can_make_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_clock, "find_library", lambda: Path("libfaketime.so.1"))
    assert describe_missing_faults(system_on()) == ""


def test_five_seeds_freeze_five_different_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    frozen = [freeze_stub(monkeypatch, seed) for seed in range(1, 6)]
    assert sorted(frozen) == sorted(f"process {n}" for n in range(len(outages.FREEZABLE)))


def freeze_stub(monkeypatch: pytest.MonkeyPatch, seed: int) -> str:
    """Return the name of the process that a seed freezes first."""

    def finder(n: int) -> Callable[..., FrozenProcess]:
        return lambda *_: FrozenProcess(psutil.Process(), f"process {n}", "kafka")

    monkeypatch.setattr(outages, "FREEZABLE", tuple(map(finder, range(len(outages.FREEZABLE)))))
    monkeypatch.setattr(outages, "suspend_for", lambda *_: None)
    fault = freeze_process(system_on(), {}, seed)
    assert fault
    return fault.description.partition(" (")[0]


def test_frozen_process_is_stopped_meanwhile_and_runs_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        target = psutil.Process(process.pid)

        def wait_until_stopped(_seconds: float) -> None:
            _, status = os.waitpid(process.pid, os.WUNTRACED)
            assert os.WIFSTOPPED(status)

        with monkeypatch.context() as patches:
            patches.setattr(outages, "FREEZABLE", (lambda *_: FrozenProcess(target, "a process", "kafka"),))
            patches.setattr(time, "sleep", wait_until_stopped)
            fault = freeze_process(system_on(), {}, 1)
        process.communicate(b"\n", timeout=seconds(20))
    assert fault == Fault(f"a process (process {process.pid}) frozen for 60 s", ["kafka"])
    assert process.returncode == 0


def test_clock_of_a_process_is_set_back_and_comes_back_while_its_monotonic_clock_goes_on(tmp_path: Path) -> None:
    if postgres_clock.find_library() is None:
        pytest.skip("no libfaketime works on this machine")
    clock_file = tmp_path / "clock"
    command = postgres_clock.with_clock((sys.executable, "-c", PRINT_CLOCK), clock_file)
    monotonic: list[float] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout
        lines = iter(process.stdout)

        def offset_is(expected: int) -> bool:
            now, elapsed = map(float, next(lines).split())
            monotonic.append(elapsed)
            return abs(now - time.time() - expected) < 60

        for offset in (0, -3_600, 0):
            postgres_clock.set_clock(clock_file, offset)
            wait_until(partial(offset_is, offset), timeout=seconds(20), missing=f"a clock {offset} s off", interval=0)
        process.stdout.close()  # its next line ends the process, which removes its shared memory
    assert monotonic == sorted(monotonic)


def test_command_is_unchanged_where_no_libfaketime_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_clock, "find_library", lambda: None)
    assert postgres_clock.with_clock(("postgres", "-D", "data"), tmp_path / "clock") == ("postgres", "-D", "data")
