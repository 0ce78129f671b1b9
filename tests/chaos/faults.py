"""The faults to inject: processes killed or frozen, a full disk, cut connections, lost leases."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random

import psutil

from chaos.failpoints import CONTINUOUS_MAINTENANCE, DISK_FULL_SECONDS, REFRESH, SERVICE_OF_SCRIPT, fill_disk
from chaos.processes import Jobs, processes_of, suspend_for
from chaos.system_under_test import SystemUnderTest
from lakehouse.cdc.table_store import TableStore
from lakehouse.errors import NotReady
from lakehouse.settings import Settings
from lakehouse.source.lease import lock_name
from lakehouse.source.postgres import OperationalError, connect

WORKERS = ("connector-controller", "slack-notifier", "distance-worker")
# Both commit to the same tables.
WRITERS = ("stream-processor", CONTINUOUS_MAINTENANCE)
# A refresh that has started to merge survives the death of any of these.
SURVIVABLE_BY_REFRESH = ("kafka", "connect", *WRITERS, *WORKERS)
TARGETS = ("postgres", "spark-thrift", REFRESH, *SURVIVABLE_BY_REFRESH)
KILLS_AT_ONCE = (2, 3, 3)
FREEZE_SECONDS = (1.0, 6.0)  # seconds
# Seconds that a writer is alternately paused and running, and how often: any pause may fall into a commit.
PAUSE_SECONDS, RUN_SECONDS, PAUSE_COUNT = (1.0, 2.0), (0.05, 0.4), 6
LEASES = ("stream", "maintenance", "refresh")


@dataclass(frozen=True)
class Fault:
    """An injected fault: its description, the services or jobs it hit, and how many of them it killed."""

    description: str
    targets: Sequence[str] = ()
    kills: int = 0


def inject(rng: Random, system: SystemUnderTest, jobs: Jobs, *, spare_refresh: bool) -> Fault | None:
    """Inject one fault at random; None where it found no target, such as a process that does not run.

    With `spare_refresh` only faults that a refresh survives are drawn. A full disk is among them, because a
    refresh seldom commits while the disk is full.
    """
    targets, leases = (SURVIVABLE_BY_REFRESH, LEASES[:2]) if spare_refresh else (TARGETS, LEASES)
    weighted_faults: list[tuple[int, Callable[[], Fault | None]]] = [
        (6, lambda: kill(rng, system, jobs, targets, rng.choice(KILLS_AT_ONCE))),
        (3, lambda: kill(rng, system, jobs, ["kafka"], 1)),
        (2, lambda: freeze(rng, system, jobs, rng.choice(targets))),
        (3, lambda: pause_repeatedly(rng, system, jobs, rng.choice(WRITERS))),
        (3 if system.has_small_lake_disk else 0, lambda: fill_lake_disk(system)),
        (2, lambda: lose_lease(system.settings, rng.choice(leases))),
        (0 if spare_refresh else 2, lambda: cut_connections(system.settings)),
    ]
    [inject_fault] = rng.choices(
        [fault for _, fault in weighted_faults], weights=[weight for weight, _ in weighted_faults]
    )
    return inject_fault()


def kill(rng: Random, system: SystemUnderTest, jobs: Jobs, targets: Sequence[str], count: int) -> Fault | None:
    """Kill `count` random targets at the same moment: all processes of a target, or its last one."""
    chosen = rng.sample(targets, k=count)
    processes_by_name = {SERVICE_OF_SCRIPT.get(target, target): processes_of(target, system, jobs) for target in chosen}
    killed = [name for name, processes in processes_by_name.items() if processes]
    for processes in processes_by_name.values():
        for process in processes if rng.random() < 0.5 else processes[-1:]:
            with suppress(psutil.NoSuchProcess):
                process.kill()
    return Fault(f"{' and '.join(killed)} killed", killed, len(killed)) if killed else None


def freeze(rng: Random, system: SystemUnderTest, jobs: Jobs, target: str) -> Fault | None:
    """Suspend all processes of a target for 1 to 6 s."""
    seconds = rng.uniform(*FREEZE_SECONDS)
    name = SERVICE_OF_SCRIPT.get(target, target)
    processes = suspend_for(processes_of(target, system, jobs), seconds)
    return Fault(f"{name} frozen for {seconds:.1f} s", [name]) if processes else None


def pause_repeatedly(rng: Random, system: SystemUnderTest, jobs: Jobs, target: str) -> Fault | None:
    """Suspend a target six times for a second or two, as on an overloaded machine."""
    name = SERVICE_OF_SCRIPT.get(target, target)
    intervals = [(rng.uniform(*PAUSE_SECONDS), rng.uniform(*RUN_SECONDS)) for _ in range(PAUSE_COUNT)]
    times_paused = 0
    for pause_s, run_s in intervals:
        times_paused += bool(suspend_for(processes_of(target, system, jobs), pause_s))
        time.sleep(run_s)  # the running time is part of the fault
    return Fault(f"{name} stopped {times_paused} times for a second or two", [name]) if times_paused else None


def fill_lake_disk(system: SystemUnderTest) -> Fault:
    """Fill the lake's disk for 5 s."""
    filler = fill_disk(Path(system.settings.lake))
    try:
        time.sleep(DISK_FULL_SECONDS)  # the duration is part of the fault
    finally:
        filler.unlink(missing_ok=True)
    return Fault(f"the lake's disk full for {DISK_FULL_SECONDS} s")


def lose_lease(settings: Settings, job: str) -> Fault | None:
    """Terminate the Postgres session that holds a job's lease; None where there is none."""
    name = lock_name(job, TableStore(settings.lake).lake_id())
    terminated = _terminate_backends(
        settings,
        "FROM pg_locks WHERE locktype = 'advisory' AND granted "
        "AND (classid::bigint << 32 | objid::bigint) = hashtextextended(%s, 0)",
        name,
    )
    return Fault(f"the lease of {job} lost") if terminated else None


def cut_connections(settings: Settings) -> Fault | None:
    """Terminate all client and replication sessions of Postgres."""
    terminated = _terminate_backends(
        settings,
        "FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type IN ('client backend', 'walsender')",
    )
    return Fault(f"{terminated} connections of Postgres cut") if terminated is not None else None


def _terminate_backends(settings: Settings, from_clause: str, *values: str) -> int | None:
    """Terminate these Postgres backends, and return how many; None where Postgres does not answer."""
    with suppress(NotReady, OperationalError), connect(settings) as conn:
        row = conn.execute(f"SELECT count(pg_terminate_backend(pid)) {from_clause}", values).fetchone()
        return int(row[0]) if row else None
    return None
