"""What can be done to a system: processes killed or frozen, a full disk, cut connections."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random

import psutil
import psycopg

from chaos.jobs import Job
from chaos.steps import REFRESH, RUN_AS
from chaos.system import System
from lakehouse.errors import NotReady
from lakehouse.source.postgres import connect

WORKERS = ("registrar", "slack-notifier", "distance-worker")
# A refresh that has begun to merge outlives the death of any of these.
OUTLIVED = ("kafka", "connect", "stream-processor", *WORKERS)
VICTIMS = ("postgres", "spark-thrift", REFRESH, *OUTLIVED)
TOGETHER = (2, 3, 3)
FROZEN = (1.0, 6.0)  # seconds
FULL = 5.0  # seconds


@dataclass(frozen=True)
class Blow:
    """What was done, to which services or jobs, and how many of them it killed."""

    what: str
    struck: Sequence[str] = ()
    kills: int = 0


def strike(rng: Random, system: System, refresh: Job, *, sparing: bool) -> Blow | None:
    """Do one thing at random, or one that a refresh outlives; None where there was nothing to do it to."""
    victims = OUTLIVED if sparing else VICTIMS
    ways: list[tuple[int, Callable[[], Blow | None]]] = [
        (8, lambda: kill(rng, system, refresh, victims)),
        (2, lambda: freeze(rng, system, refresh, rng.choice(victims))),
        (0 if sparing or not system.small_disk else 2, lambda: fill_disk(system)),
        (0 if sparing else 2, lambda: cut_connections(system)),
    ]
    [chosen] = rng.choices([way for _, way in ways], weights=[weight for weight, _ in ways])
    return chosen()


def kill(rng: Random, system: System, refresh: Job, victims: Sequence[str]) -> Blow | None:
    """Kill some victims at the same moment: the whole of each, or one of its processes."""
    chosen = rng.sample(victims, k=rng.choice(TOGETHER))
    found = {RUN_AS.get(victim, victim): _processes(victim, system, refresh) for victim in chosen}
    killed = [name for name, processes in found.items() if processes]
    for processes in found.values():
        for process in processes if rng.random() < 0.5 else processes[-1:]:
            with suppress(psutil.NoSuchProcess):
                process.kill()
    return Blow(f"{' and '.join(killed)} killed", killed, len(killed)) if killed else None


def freeze(rng: Random, system: System, refresh: Job, victim: str) -> Blow | None:
    seconds = rng.uniform(*FROZEN)
    name = RUN_AS.get(victim, victim)
    processes = _processes(victim, system, refresh)
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.suspend()
    time.sleep(seconds)  # how long it is frozen is the point
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.resume()
    return Blow(f"{name} frozen for {seconds:.1f} s", [name]) if processes else None


def fill_disk(system: System) -> Blow:
    """Leave no byte on the lake's disk for a while."""
    filler = Path(system.settings.lake) / "filler"
    try:
        with suppress(OSError), filler.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(65_536))
        time.sleep(FULL)  # how long it is full is the point
    finally:
        filler.unlink()
    return Blow(f"the lake's disk full for {FULL:.0f} s")


def cut_connections(system: System) -> Blow | None:
    """Have Postgres hang up on everybody."""
    with suppress(NotReady, psycopg.OperationalError), connect(system.settings) as conn:
        cut = conn.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND backend_type IN ('client backend', 'walsender')"
        ).fetchone()
        return Blow(f"{cut[0]} connections of Postgres cut") if cut else None
    return None


def _processes(victim: str, system: System, refresh: Job) -> list[psutil.Process]:
    """Give a victim's processes, the first its main one; the last is the JVM where there is one."""
    pid = refresh.pid if victim == REFRESH else next(one.pid for one in system.stack.status() if one.name == victim)
    if pid is None:
        return []
    try:
        main = psutil.Process(pid)
        return [main, *main.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []
