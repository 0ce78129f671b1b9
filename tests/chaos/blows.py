"""What can be done to a system: processes killed or frozen, a full disk, cut connections, lost leases."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from random import Random

import psutil
import psycopg

from chaos.jobs import Job
from chaos.steps import CONTINUOUS_MAINTENANCE, FULL, REFRESH, RUN_AS, fill_disk
from chaos.system import System
from lakehouse.cdc.catalog import Catalog
from lakehouse.errors import NotReady
from lakehouse.settings import Settings
from lakehouse.source.postgres import connect

WORKERS = ("registrar", "slack-notifier", "distance-worker")
# They commit to the same tables.
WRITERS = ("stream-processor", CONTINUOUS_MAINTENANCE)
# A refresh that has begun to merge outlives the death of any of these.
OUTLIVED = ("kafka", "connect", *WRITERS, *WORKERS)
VICTIMS = ("postgres", "spark-thrift", REFRESH, *OUTLIVED)
TOGETHER = (2, 3, 3)
FROZEN = (1.0, 6.0)  # seconds
# Seconds that a writer stands still and goes on in turn, and how often: each stop may be amid a commit.
PAUSED, RUNNING, PAUSES = (1.0, 2.0), (0.05, 0.4), 6
LEASES = ("stream", "maintenance", "refresh")

Jobs = Mapping[str, Job]


@dataclass(frozen=True)
class Blow:
    """What was done, to which services or jobs, and how many of them it killed."""

    what: str
    struck: Sequence[str] = ()
    kills: int = 0


def strike(rng: Random, system: System, jobs: Jobs, *, sparing: bool) -> Blow | None:
    """Do one thing at random, or one that a refresh outlives; None where there was nothing to do it to.

    A full disk is dealt to a refresh also where it is spared: it seldom commits while the disk is full.
    """
    victims, leases = (OUTLIVED, LEASES[:2]) if sparing else (VICTIMS, LEASES)
    ways: list[tuple[int, Callable[[], Blow | None]]] = [
        (6, lambda: kill(rng, system, jobs, victims, rng.choice(TOGETHER))),
        (3, lambda: kill(rng, system, jobs, ["kafka"], 1)),
        (2, lambda: freeze(rng, system, jobs, rng.choice(victims))),
        (3, lambda: pause_repeatedly(rng, system, jobs, rng.choice(WRITERS))),
        (3 if system.small_disk else 0, lambda: fill_lake_disk(system)),
        (2, lambda: lose_lease(system.settings, rng.choice(leases))),
        (0 if sparing else 2, lambda: cut_connections(system.settings)),
    ]
    [chosen] = rng.choices([way for _, way in ways], weights=[weight for weight, _ in ways])
    return chosen()


def kill(rng: Random, system: System, jobs: Jobs, victims: Sequence[str], together: int) -> Blow | None:
    """Kill so many victims at the same moment: the whole of each, or one of its processes."""
    chosen = rng.sample(victims, k=together)
    found = {RUN_AS.get(victim, victim): _processes(victim, system, jobs) for victim in chosen}
    killed = [name for name, processes in found.items() if processes]
    for processes in found.values():
        for process in processes if rng.random() < 0.5 else processes[-1:]:
            with suppress(psutil.NoSuchProcess):
                process.kill()
    return Blow(f"{' and '.join(killed)} killed", killed, len(killed)) if killed else None


def freeze(rng: Random, system: System, jobs: Jobs, victim: str) -> Blow | None:
    """Have a victim stand still for a while, all of it."""
    seconds = rng.uniform(*FROZEN)
    name = RUN_AS.get(victim, victim)
    processes = _suspend_for(_processes(victim, system, jobs), seconds)
    return Blow(f"{name} frozen for {seconds:.1f} s", [name]) if processes else None


def pause_repeatedly(rng: Random, system: System, jobs: Jobs, victim: str) -> Blow | None:
    """Have a victim stand still again and again, as on a machine that is much too busy."""
    name = RUN_AS.get(victim, victim)
    stops = [(rng.uniform(*PAUSED), rng.uniform(*RUNNING)) for _ in range(PAUSES)]
    stopped = 0
    for standing, going in stops:
        stopped += bool(_suspend_for(_processes(victim, system, jobs), standing))
        time.sleep(going)  # how long it goes on is the point
    return Blow(f"{name} stopped {stopped} times for a second or two", [name]) if stopped else None


def fill_lake_disk(system: System) -> Blow:
    """Leave no byte on the lake's disk for a while."""
    filler = fill_disk(system.settings.lake)
    try:
        time.sleep(FULL)  # how long it is full is the point
    finally:
        filler.unlink(missing_ok=True)
    return Blow(f"the lake's disk full for {FULL} s")


def lose_lease(settings: Settings, job: str) -> Blow | None:
    """Have Postgres hang up on whoever holds the lease of a job."""
    name = f"{job} {Catalog(settings.lake).identity()}"
    ended = _terminate_backends(
        settings,
        "FROM pg_locks WHERE locktype = 'advisory' AND granted "
        "AND (classid::bigint << 32 | objid::bigint) = hashtextextended(%s, 0)",
        name,
    )
    return Blow(f"the lease of {job} lost") if ended else None


def cut_connections(settings: Settings) -> Blow | None:
    """Have Postgres hang up on everybody."""
    cut = _terminate_backends(
        settings,
        "FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type IN ('client backend', 'walsender')",
    )
    return Blow(f"{cut} connections of Postgres cut") if cut is not None else None


def _terminate_backends(settings: Settings, whom: str, *values: str) -> int | None:
    """Have Postgres end these backends, and return how many; None where it does not answer."""
    with suppress(NotReady, psycopg.OperationalError), connect(settings) as conn:
        ended = conn.execute(f"SELECT count(pg_terminate_backend(pid)) {whom}".encode(), values).fetchone()
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


def _processes(victim: str, system: System, jobs: Jobs) -> list[psutil.Process]:
    """Give a victim's processes, the first its main one; the last is the JVM where there is one."""
    pid = jobs[victim].pid if victim in jobs else next(o.pid for o in system.stack.status() if o.name == victim)
    if pid is None:
        return []
    try:
        main = psutil.Process(pid)
        return [main, *main.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []
