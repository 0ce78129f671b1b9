"""What can be done to a system: processes killed or frozen, a full disk, cut connections, lost leases."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from random import Random

import psutil
import psycopg

from chaos.failpoints import CONTINUOUS_MAINTENANCE, DISK_FULL_SECONDS, REFRESH, SERVICE_OF_SCRIPT, fill_disk
from chaos.repeating_job import RepeatingJob
from chaos.system_under_test import SystemUnderTest
from lakehouse.cdc.catalog import Catalog
from lakehouse.errors import NotReady
from lakehouse.settings import Settings
from lakehouse.source.postgres import connect

WORKERS = ("registrar", "slack-notifier", "distance-worker")
# They commit to the same tables.
WRITERS = ("stream-processor", CONTINUOUS_MAINTENANCE)
# A refresh that has begun to merge outlives the death of any of these.
SURVIVABLE_BY_REFRESH = ("kafka", "connect", *WRITERS, *WORKERS)
TARGETS = ("postgres", "spark-thrift", REFRESH, *SURVIVABLE_BY_REFRESH)
KILLS_AT_ONCE = (2, 3, 3)
FREEZE_SECONDS = (1.0, 6.0)  # seconds
# Seconds that a writer stands still and goes on in turn, and how often: each stop may be amid a commit.
PAUSE_SECONDS, RUN_SECONDS, PAUSE_COUNT = (1.0, 2.0), (0.05, 0.4), 6
LEASES = ("stream", "maintenance", "refresh")

Jobs = Mapping[str, RepeatingJob]


@dataclass(frozen=True)
class Fault:
    """What was done, to which services or jobs, and how many of them it killed."""

    description: str
    targets: Sequence[str] = ()
    kills: int = 0


def inject(rng: Random, system: SystemUnderTest, jobs: Jobs, *, spare_refresh: bool) -> Fault | None:
    """Do one thing at random, or one that a refresh outlives; None where there was nothing to do it to.

    A full disk is dealt to a refresh also where it is spared: it seldom commits while the disk is full.
    """
    targets, leases = (SURVIVABLE_BY_REFRESH, LEASES[:2]) if spare_refresh else (TARGETS, LEASES)
    weighted_faults: list[tuple[int, Callable[[], Fault | None]]] = [
        (6, lambda: kill(rng, system, jobs, targets, rng.choice(KILLS_AT_ONCE))),
        (3, lambda: kill(rng, system, jobs, ["kafka"], 1)),
        (2, lambda: freeze(rng, system, jobs, rng.choice(targets))),
        (3, lambda: pause_repeatedly(rng, system, jobs, rng.choice(WRITERS))),
        (3 if system.small_disk else 0, lambda: fill_lake_disk(system)),
        (2, lambda: lose_lease(system.settings, rng.choice(leases))),
        (0 if spare_refresh else 2, lambda: cut_connections(system.settings)),
    ]
    [chosen] = rng.choices([way for _, way in weighted_faults], weights=[weight for weight, _ in weighted_faults])
    return chosen()


def kill(rng: Random, system: SystemUnderTest, jobs: Jobs, targets: Sequence[str], count: int) -> Fault | None:
    """Kill so many victims at the same moment: the whole of each, or one of its processes."""
    chosen = rng.sample(targets, k=count)
    processes_by_name = {SERVICE_OF_SCRIPT.get(victim, victim): _processes(victim, system, jobs) for victim in chosen}
    killed = [name for name, processes in processes_by_name.items() if processes]
    for processes in processes_by_name.values():
        for process in processes if rng.random() < 0.5 else processes[-1:]:
            with suppress(psutil.NoSuchProcess):
                process.kill()
    return Fault(f"{' and '.join(killed)} killed", killed, len(killed)) if killed else None


def freeze(rng: Random, system: SystemUnderTest, jobs: Jobs, target: str) -> Fault | None:
    """Have a victim stand still for a while, all of it."""
    seconds = rng.uniform(*FREEZE_SECONDS)
    name = SERVICE_OF_SCRIPT.get(target, target)
    processes = _suspend_for(_processes(target, system, jobs), seconds)
    return Fault(f"{name} frozen for {seconds:.1f} s", [name]) if processes else None


def pause_repeatedly(rng: Random, system: SystemUnderTest, jobs: Jobs, target: str) -> Fault | None:
    """Have a victim stand still again and again, as on a machine that is much too busy."""
    name = SERVICE_OF_SCRIPT.get(target, target)
    intervals = [(rng.uniform(*PAUSE_SECONDS), rng.uniform(*RUN_SECONDS)) for _ in range(PAUSE_COUNT)]
    times_paused = 0
    for pause_s, run_s in intervals:
        times_paused += bool(_suspend_for(_processes(target, system, jobs), pause_s))
        time.sleep(run_s)  # how long it goes on is the point
    return Fault(f"{name} stopped {times_paused} times for a second or two", [name]) if times_paused else None


def fill_lake_disk(system: SystemUnderTest) -> Fault:
    """Leave no byte on the lake's disk for a while."""
    filler = fill_disk(system.settings.lake)
    try:
        time.sleep(DISK_FULL_SECONDS)  # how long it is full is the point
    finally:
        filler.unlink(missing_ok=True)
    return Fault(f"the lake's disk full for {DISK_FULL_SECONDS} s")


def lose_lease(settings: Settings, job: str) -> Fault | None:
    """Have Postgres hang up on whoever holds the lease of a job."""
    name = f"{job} {Catalog(settings.lake).lake_id()}"
    ended = _terminate_backends(
        settings,
        "FROM pg_locks WHERE locktype = 'advisory' AND granted "
        "AND (classid::bigint << 32 | objid::bigint) = hashtextextended(%s, 0)",
        name,
    )
    return Fault(f"the lease of {job} lost") if ended else None


def cut_connections(settings: Settings) -> Fault | None:
    """Have Postgres hang up on everybody."""
    cut = _terminate_backends(
        settings,
        "FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type IN ('client backend', 'walsender')",
    )
    return Fault(f"{cut} connections of Postgres cut") if cut is not None else None


def _terminate_backends(settings: Settings, from_clause: str, *values: str) -> int | None:
    """Have Postgres end these backends, and return how many; None where it does not answer."""
    with suppress(NotReady, psycopg.OperationalError), connect(settings) as conn:
        ended = conn.execute(f"SELECT count(pg_terminate_backend(pid)) {from_clause}".encode(), values).fetchone()
        return int(ended[0]) if ended else None
    return None


def _suspend_for(processes: Sequence[psutil.Process], seconds: float) -> Sequence[psutil.Process]:
    """Suspend the processes for so many seconds, and return them."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.suspend()
    time.sleep(seconds)  # how long it is frozen is the point
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.resume()
    return processes


def _processes(target: str, system: SystemUnderTest, jobs: Jobs) -> list[psutil.Process]:
    """Give a victim's processes, the first its main one; the last is the JVM where there is one."""
    pid = jobs[target].pid if target in jobs else next(o.pid for o in system.stack.status() if o.name == target)
    if pid is None:
        return []
    try:
        main = psutil.Process(pid)
        return [main, *main.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []
