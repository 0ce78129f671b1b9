"""The longer faults: Postgres's clock set back, Kafka's or Postgres's disk full, one process frozen for a minute.

Each run has one of them every 75 s, in an order that the seed decides. Not every machine can make them all.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

import psutil

from chaos import postgres_clock
from chaos.failpoints import fill_disk
from chaos.faults import Fault
from chaos.processes import STREAM_SERVICE, Jobs, processes_of, suspend_for
from chaos.system_under_test import SystemUnderTest
from lakehouse.errors import NotReady
from lakehouse.source.postgres import TRANSIENT_ERRORS, connect

OUTAGE_INTERVAL = 75.0  # seconds of a run per outage
CLOCK_SET_BACK, CLOCK_DURATION = 3_600, 20.0  # seconds
DISK_FULL_DURATION = 15.0  # seconds
MAX_WAL_SEGMENTS = 64  # more than Postgres recycles; each has 16 MiB
FREEZE_DURATION = 60.0  # seconds
NO_DISK, NO_CLOCK = "no tmpfs can be mounted", "no libfaketime works"

SELECT_BACKENDS = """
    SELECT pid, coalesce(nullif(application_name, ''), backend_type) FROM pg_stat_activity
    WHERE backend_type IN ('client backend', 'walsender') AND pid <> pg_backend_pid()
    ORDER BY backend_type, application_name, backend_start
"""


class FrozenProcess(NamedTuple):
    """A process to freeze, its name in the report, and the service that is not ready meanwhile."""

    process: psutil.Process
    name: str
    service: str


@dataclass(frozen=True)
class Outage:
    """A fault by its name in the report; `obstacle` returns why a machine cannot make it, or None."""

    name: str
    inject: Callable[[SystemUnderTest, Jobs, int], Fault | None]
    obstacle: Callable[[SystemUnderTest], str | None] = lambda _: None


@dataclass
class OutageSchedule:
    """The outages of a run of `duration` seconds, evenly spread; those that the machine can make, in turn."""

    system: SystemUnderTest
    seed: int
    duration: float
    due_after: list[float] = field(default_factory=list)  # seconds after the start
    _started_at: float = field(init=False, default_factory=time.monotonic)
    _injected: int = 0

    def __post_init__(self) -> None:
        count = max(1, int(self.duration // OUTAGE_INTERVAL))
        self.due_after = self.due_after or [self.duration * (n + 0.5) / count for n in range(count)]

    def poll(self, jobs: Jobs) -> Fault | None:
        """Inject the next outage if it is due, and return it; one that found no target stays due."""
        outages = possible_outages(self.system)
        if not self.due_after or time.monotonic() - self._started_at < self.due_after[0]:
            return None
        fault = outages[(self.seed + self._injected) % len(outages)].inject(self.system, jobs, self.seed)
        if fault:
            self.due_after.pop(0)
            self._injected += 1
        return fault


def possible_outages(system: SystemUnderTest) -> list[Outage]:
    """Return the outages that this machine can make; a process can be frozen on each."""
    return [outage for outage in OUTAGES if not outage.obstacle(system)]


def describe_impossible(system: SystemUnderTest) -> list[str]:
    """Return the faults that this machine cannot make, each with the reason."""
    impossible = [(outage.name, outage.obstacle(system)) for outage in OUTAGES]
    if not system.has_small_lake_disk:
        impossible.append(("the lake's disk full", NO_DISK))
    return [f"{name} ({reason})" for name, reason in impossible if reason]


def set_clock_back(system: SystemUnderTest, _jobs: Jobs, _seed: int) -> Fault:
    """Set Postgres's clock back by an hour for 20 s."""
    postgres_clock.set_clock(system.clock_file, -CLOCK_SET_BACK)
    try:
        time.sleep(CLOCK_DURATION)  # the duration is part of the fault
    finally:
        postgres_clock.set_clock(system.clock_file, 0)
    return Fault(f"Postgres's clock set back by an hour for {CLOCK_DURATION:.0f} s")


def fill_kafka_disk(system: SystemUnderTest, _jobs: Jobs, _seed: int) -> Fault:
    """Fill Kafka's disk for 15 s."""
    with _full_disk(system, "kafka"):
        time.sleep(DISK_FULL_DURATION)  # the duration is part of the fault
    return Fault(f"Kafka's disk full for {DISK_FULL_DURATION:.0f} s", ["kafka"])


def fill_postgres_disk(system: SystemUnderTest, _jobs: Jobs, seed: int) -> Fault:
    """Fill Postgres's disk for 15 s, with an odd seed together with the segments of its WAL.

    A table that cannot be extended fails one statement. A WAL that cannot be extended ends Postgres, again at each
    restart.
    """
    is_wal_full = seed % 2 == 1
    with _full_disk(system, "postgres"):
        if is_wal_full:
            _use_up_wal(system)
        time.sleep(DISK_FULL_DURATION)  # the duration is part of the fault
    return Fault(f"Postgres's disk{' and WAL' * is_wal_full} full for {DISK_FULL_DURATION:.0f} s", ["postgres"])


def freeze_process(system: SystemUnderTest, jobs: Jobs, seed: int, duration: float = FREEZE_DURATION) -> Fault | None:
    """Suspend one process for 60 s, the first that runs of those in the seed's order; None where none does."""
    first = seed % len(FREEZABLE)
    for find in (*FREEZABLE[first:], *FREEZABLE[:first]):
        if frozen := find(system, jobs, seed):
            suspend_for([frozen.process], duration)
            return Fault(f"{frozen.name} (process {frozen.process.pid}) frozen for {duration:.0f} s", [frozen.service])
    return None


@contextmanager
def _full_disk(system: SystemUnderTest, service: str) -> Iterator[None]:
    filler = fill_disk(system.stack.home / service)
    try:
        yield
    finally:
        filler.unlink(missing_ok=True)


def _use_up_wal(system: SystemUnderTest) -> None:
    """Switch from one WAL segment to the next, until Postgres ends because it cannot create another."""
    with suppress(NotReady, *TRANSIENT_ERRORS), connect(system.settings, autocommit=True) as conn:
        for _ in range(MAX_WAL_SEGMENTS):
            conn.execute("SELECT pg_current_xact_id()")  # a switch does nothing unless something was written
            conn.execute("SELECT pg_switch_wal()")


def _find_backend(system: SystemUnderTest, _jobs: Jobs, seed: int) -> FrozenProcess | None:
    """Return a client's or the replication's Postgres process; None where Postgres does not answer."""
    with suppress(NotReady, psutil.NoSuchProcess, *TRANSIENT_ERRORS), connect(system.settings) as conn:
        if backends := conn.execute(SELECT_BACKENDS).fetchall():
            pid, application = Random(seed).choice(backends)
            return FrozenProcess(psutil.Process(pid), f"the Postgres backend of {application}", "postgres")
    return None


def _find_jvm(service: str) -> Callable[[SystemUnderTest, Jobs, int], FrozenProcess | None]:
    def find(system: SystemUnderTest, jobs: Jobs, _seed: int) -> FrozenProcess | None:
        process = _last_java(processes_of(service, system, jobs))
        return FrozenProcess(process, f"the JVM of {service}", service) if process else None

    return find


def _find_stream_python(system: SystemUnderTest, jobs: Jobs, _seed: int) -> FrozenProcess | None:
    processes = processes_of(STREAM_SERVICE, system, jobs)
    return FrozenProcess(processes[0], f"the Python of {STREAM_SERVICE}", STREAM_SERVICE) if processes else None


def _last_java(processes: Sequence[psutil.Process]) -> psutil.Process | None:
    for process in reversed(processes):
        with suppress(psutil.NoSuchProcess):
            if process.name() == "java":
                return process
    return None


FREEZABLE: tuple[Callable[[SystemUnderTest, Jobs, int], FrozenProcess | None], ...] = (
    _find_stream_python,
    _find_backend,
    _find_jvm("kafka"),
    _find_jvm(STREAM_SERVICE),
    _find_jvm("connect"),
)
OUTAGES: tuple[Outage, ...] = (
    Outage("a process frozen for a minute", freeze_process),
    Outage(
        "Kafka's disk full",
        fill_kafka_disk,
        lambda system: None if "kafka" in system.small_disks else NO_DISK,
    ),
    Outage(
        "Postgres's disk full",
        fill_postgres_disk,
        lambda system: None if "postgres" in system.small_disks else NO_DISK,
    ),
    Outage(
        "Postgres's clock set back by an hour",
        set_clock_back,
        lambda _: None if postgres_clock.find_library() else NO_CLOCK,
    ),
)
