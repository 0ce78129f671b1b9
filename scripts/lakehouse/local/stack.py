"""A whole system on this machine, in one folder: started, looked at and stopped as one."""

import fcntl
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from lakehouse.errors import BadInput
from lakehouse.local import addresses, leftovers
from lakehouse.local.java import java_home
from lakehouse.local.service import Service
from lakehouse.local.services import services
from lakehouse.local.starting import missing, start
from lakehouse.local.supervisor import Supervisor
from lakehouse.settings import Settings
from lakehouse.waiting import wait_until


@dataclass(frozen=True)
class ServiceStatus:
    """One service as it is now; memory in bytes, its children's included."""

    name: str
    state: str
    pid: int | None
    address: str
    ready: bool
    memory: int


class Stack:
    """All services, their data, logs and addresses in the folder `home`; they serve where `settings` says."""

    def __init__(
        self,
        home: Path,
        settings: Settings,
        say: Callable[[str], None] = print,
        made_of: Callable[[Path, Settings], list[Service]] = services,
    ) -> None:
        """Describe a stack; nothing starts. `say` gets a line of progress per service."""
        self.home = home.resolve()
        here = addresses.on_this_machine(settings)
        self.settings = here.model_copy(update={"java_home": java_home(self.home, here.java_home)})
        self.logs = self.home / "logs"
        self._run = self.home / "run"
        self._say = say
        self._services = {service.name: service for service in made_of(self.home, self.settings)}
        self._supervisor = Supervisor(self._run, self.logs)

    @classmethod
    def on_free_ports(cls, home: Path) -> "Stack":
        """Give a stack that disturbs none: free ports, its lake in home/lake, no .env."""
        return cls(home, addresses.on_free_ports(home))

    def environment(self) -> dict[str, str]:
        """Give the environment for a command that is to use this stack and nothing else."""
        return addresses.environment(self.settings)

    def up(self, *names: str) -> None:
        """Start what is named (all, by default) as parallel as can be, and wait until each is ready.

        Idempotent. Raises NotReady, naming the service, what was awaited and its log.
        """
        chosen = self._chosen(names)
        with self._alone():
            if not self._supervisor.is_running():
                leftovers.end(self.home)
                self._supervisor.start(self._services.values(), {**self.environment(), leftovers.HOME: str(self.home)})
            (self._run / "addresses.env").write_text(addresses.env_file(self.settings), encoding="utf-8")
            start(chosen, self._supervisor, self.logs, self._say)

    def down(self, *names: str) -> None:
        """Stop what is named, or else everything, Kafka and Postgres last, and what an earlier crash left behind.

        Idempotent.
        """
        with self._alone():
            if names:
                self._stop([service.name for service in self._chosen(names)])
                return
            if self._supervisor.is_running():
                for stage in sorted({service.stop_stage for service in self._services.values()}):
                    self._stop([one.name for one in self._services.values() if one.stop_stage == stage])
                self._supervisor.shutdown()
            leftovers.end(self.home)
            (self._run / "addresses.env").unlink(missing_ok=True)

    def is_up(self) -> bool:
        """Tell whether anything of this stack was started."""
        return self._supervisor.is_running()

    def status(self) -> list[ServiceStatus]:
        """Give every service as it is now."""
        processes = self._supervisor.processes() if self._supervisor.is_running() else {}
        return [
            ServiceStatus(
                name=name,
                state=processes[name].state if name in processes else "STOPPED",
                pid=processes[name].pid if name in processes else None,
                address=service.address,
                ready=name in processes and missing(service, self._supervisor) is None,
                memory=memory(processes[name].pid) if name in processes else 0,
            )
            for name, service in self._services.items()
        ]

    def _chosen(self, names: Iterable[str]) -> list[Service]:
        if unknown := set(names) - set(self._services):
            raise BadInput(f"no such service: {', '.join(sorted(unknown))}. There are {', '.join(self._services)}.")
        return [service for name, service in self._services.items() if not names or name in names]

    def _stop(self, names: list[str]) -> None:
        def have_stopped() -> bool:
            processes = self._supervisor.processes()
            running = [name for name in names if not processes[name].is_at_rest(self._services[name].once)]
            for name in running:
                # Asked again each time: one that had just died was not running, and is started again.
                if processes[name].state != "STOPPING":
                    self._supervisor.stop_program(name)
            return not running

        wait_until(
            have_stopped,
            timeout=30,
            missing=f"{', '.join(names)} to stop",
        )

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One `up` or `down` at a time."""
        self._run.mkdir(parents=True, exist_ok=True)
        with (self._run / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def memory(pid: int | None) -> int:
    """Give the bytes that a process and its children hold, what they share counted once for each; 0 without one."""
    total = 0
    if pid is None:
        return total
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        for one in (process, *process.children(recursive=True)):
            with suppress(psutil.Error):
                total += one.memory_info().rss
    return total
