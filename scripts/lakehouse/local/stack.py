"""A stack: all services on this machine with their data in one folder, started and stopped together."""

import fcntl
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from lakehouse.cdc import lake_identity
from lakehouse.errors import UsageError
from lakehouse.local import orphans, secret_store, service_addresses
from lakehouse.local.java import java_home
from lakehouse.local.service import Service
from lakehouse.local.service_settings import service_environment
from lakehouse.local.services import services
from lakehouse.local.startup import check_readiness, start_services
from lakehouse.local.supervisor import Process, Supervisor
from lakehouse.local.temp_dir import prepare_temp_dir
from lakehouse.retries import wait_until
from lakehouse.settings import Settings


@dataclass(frozen=True)
class ServiceStatus:
    """A service's current state; memory in bytes, including its child processes."""

    name: str
    state: str
    pid: int | None
    address: str
    ready: bool
    memory: int
    protection: str


class Stack:
    """All services, with data, logs and addresses in the folder `home`, on the ports of the settings."""

    def __init__(
        self,
        home: Path,
        settings: Settings,
        on_progress: Callable[[str], None] = print,
        service_factory: Callable[[Path, Settings], list[Service]] = services,
        on_start: Callable[[Settings, Path], None] = lambda _settings, _home: None,
    ) -> None:
        """Define a stack without starting it; `on_progress` gets a line per service that has become ready.

        `on_start` runs just before services start, with the settings and `home`: for work that nobody waits for.
        """
        self.home = home.resolve()
        self._run = self.home / "run"
        self._secrets = self._run / "secrets"
        self._named_secrets = secret_store.named_secrets(settings, self._secrets)
        local_settings = secret_store.with_password_files(
            service_addresses.with_local_addresses(settings), self._secrets
        )
        self.settings = local_settings.model_copy(
            update={
                "java_home": java_home(self.home, local_settings.java_home),
                "postgres_data_dir": self.home / "postgres" / "data",
            }
        )
        self.owner = str(self.home)
        self.logs = self.home / "logs"
        self._on_progress, self._on_start = on_progress, on_start
        self._services = {service.name: service for service in service_factory(self.home, self.settings)}
        self._supervisor = Supervisor(self._run, self.logs)

    @classmethod
    def on_free_ports(cls, home: Path) -> "Stack":
        """Return an isolated stack: free ports, its lake in home/lake, no .env."""
        return cls(home, service_addresses.on_free_ports(home))

    def environment(self) -> dict[str, str]:
        """Return the environment for a command that must use this stack and no other."""
        return service_addresses.environment(self.settings)

    def up(self, *names: str, on_ready: Callable[[str], None] = lambda _: None) -> None:
        """Start the named services (default: all but the optional ones) in parallel, and wait until each is ready.

        `on_ready` gets the name of each service as soon as it is ready.
        Idempotent. Raises NotReady with the service, what it still lacks, and its log.
        """
        chosen = [service for service in self._select(names) if names or not service.optional]
        with self._locked():
            if "://" not in self.settings.lake:
                with suppress(OSError):  # the tables' creation names it, with what to do
                    lake_identity.claim(Path(self.settings.lake), self.owner)
            if not self._supervisor.is_running():
                orphans.kill_orphans(self.home)
                prepare_temp_dir(self.settings.jvm_temp_dir, time.time())
                secret_store.write_secrets(self._secrets, self._named_secrets)
                environments = {
                    name: service_environment(service, self.settings, self.home, os.environ)
                    for name, service in self._services.items()
                }
                port = service_addresses.free_port_for_supervisord(self.settings)
                self._supervisor.start(self._services.values(), environments, port)
            self._stop([service.name for service in chosen if service.is_outdated()])
            (self._run / "addresses.env").write_text(service_addresses.render_env_file(self.settings), encoding="utf-8")
            self._on_start(self.settings, self.home)
            start_services(chosen, self._supervisor, self.logs, self._on_progress, on_ready)
            self._report_protection(chosen)

    def down(self, *names: str) -> None:
        """Stop the named services, or else all of them, Kafka and Postgres last, and any orphans.

        Idempotent.
        """
        with self._locked():
            if names:
                self._stop([service.name for service in self._select(names)])
                return
            if self._supervisor.is_running():
                for stage in sorted({service.stop_stage for service in self._services.values()}):
                    self._stop([service.name for service in self._services.values() if service.stop_stage == stage])
                self._supervisor.shutdown()
            orphans.kill_orphans(self.home)
            (self._run / "addresses.env").unlink(missing_ok=True)

    @property
    def service_names(self) -> list[str]:
        return [*self._services]

    def is_up(self) -> bool:
        """Return whether the stack's supervisord runs."""
        return self._supervisor.is_running()

    def status(self) -> list[ServiceStatus]:
        """Return the current state of every service; of an optional one where it runs."""
        processes = self._supervisor.processes() if self._supervisor.is_running() else {}
        return [
            ServiceStatus(
                name=name,
                state=processes[name].state if name in processes else "STOPPED",
                pid=processes[name].pid if name in processes else None,
                address=service.address,
                ready=name in processes and check_readiness(service, self._supervisor) is None,
                memory=resident_bytes(processes[name].pid) if name in processes else 0,
                protection=_describe_protection(service, processes),
            )
            for name, service in self._services.items()
            if not service.optional or (name in processes and processes[name].state != "STOPPED")
        ]

    def _report_protection(self, chosen: Iterable[Service]) -> None:
        processes = self._supervisor.processes()
        for service in chosen:
            if text := _describe_protection(service, processes):
                self._on_progress(f"{service.name:<20} protected by {text}")

    def _select(self, names: Iterable[str]) -> list[Service]:
        if unknown := set(names) - set(self._services):
            raise UsageError(f"no such service: {', '.join(sorted(unknown))}.\nThere are {', '.join(self._services)}.")
        return [service for name, service in self._services.items() if not names or name in names]

    def _stop(self, names: list[str]) -> None:
        def are_stopped() -> bool:
            processes = self._supervisor.processes()
            # Supervisord lacks what a later version of this package has added.
            known = [name for name in names if name in processes]
            running = [name for name in known if not processes[name].is_stopped(self._services[name].oneshot)]
            for name in running:
                # Repeated in each check: a program that had just died was not stopped, and supervisord restarts it.
                if processes[name].state != "STOPPING":
                    self._supervisor.stop_program(name)
            return not running

        wait_until(
            are_stopped,
            timeout=30,
            missing=f"{', '.join(names)} to stop",
        )

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold a file lock: one `up` or `down` at a time. A second one says for which process it waits."""
        self._run.mkdir(parents=True, exist_ok=True)
        with (self._run / "lock").open("a+", encoding="ascii") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                holder = lock.read(20).strip() or "unknown"
                self._on_progress(f"another command starts or stops these services, with pid {holder}: waiting")
                fcntl.flock(lock, fcntl.LOCK_EX)
            lock.truncate(0)
            lock.write(f"{os.getpid()}\n")
            lock.flush()
            yield


def _describe_protection(service: Service, processes: Mapping[str, Process]) -> str:
    process = processes.get(service.name)
    return service.protection(process.pid) if process and process.pid else ""


def resident_bytes(pid: int | None) -> int:
    """Return the resident memory of a process and its children, in bytes; 0 without a process.

    Memory that they share is counted once for each.
    """
    total = 0
    if pid is None:
        return total
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        for member in (process, *process.children(recursive=True)):
            with suppress(psutil.Error):
                total += member.memory_info().rss
    return total
