"""The system to benchmark: its jobs run with tuned or plain settings."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.plain_java import java_without_cache
from lakehouse.errors import HOME_VAR, NotReady
from lakehouse.local.service_addresses import environment
from lakehouse.local.services import services
from lakehouse.retries import wait_until
from lakehouse.settings import Settings
from lakehouse.source.postgres import LONG_DEADLINE_S, connect
from support.fake_slack import FakeSlack
from support.system import Log, System

PLAIN_TUNING_DIR = Path(__file__).parent / "plain"


@dataclass(frozen=True)
class BenchmarkSystem(System):
    """A system whose services and commands can run with other settings."""

    @property
    def plain_settings(self) -> Settings:
        """The settings of the same system without tuning and ahead-of-time cache."""
        java = java_without_cache(self.stack.home / "plain-java", self.settings.java_home)
        return self.settings.model_copy(update={"tuning_dir": PLAIN_TUNING_DIR, "java_home": java})

    def load_company(self, months: int = 1, seed: int = 1) -> None:
        """Load the sample company with `months` of activities, and wait until Bronze has them."""
        with connect(self.settings, autocommit=True, deadline=LONG_DEADLINE_S) as conn:
            # Gigabytes of WAL wait here, for which Postgres would otherwise invalidate the slot.
            conn.execute("ALTER SYSTEM SET max_slot_wal_keep_size = -1")
            conn.execute("SELECT pg_reload_conf()")
        super().load_company(months, seed)
        self.drain(120)

    @contextmanager
    def override_service(self, name: str, settings: Settings) -> Iterator[None]:
        """Run a service with other settings until the block ends, then with its own if it ran before."""
        was_running = next(status.state for status in self.stack.status() if status.name == name) == "RUNNING"
        self.stack.down(name)
        service = next(service for service in services(self.stack.home, settings) if service.name == name)
        self.log(f"{name} with {settings.tuning_dir.name} settings on {Path(settings.lake).name}")
        with self.start_process(settings, *service.command) as running:
            wait_until(
                lambda: running.poll() is not None or service.readiness() is None,
                timeout=service.timeout,
                missing=lambda: service.readiness() or name,
            )
            if running.returncode is not None:
                raise NotReady(f"{name} exited with {running.returncode} right after its start")
            yield
        if was_running:
            self.stack.up(name)

    @contextmanager
    def start_process(self, settings: Settings, *command: str, **options: Any) -> Iterator["subprocess.Popen[str]"]:
        """Run a command with the stack's environment, and terminate it and its children when the block ends."""
        env = {**environment(settings), HOME_VAR: str(self.stack.home)}
        with (self.stack.logs / "bench.log").open("a") as log:
            output = {
                "stdout": log,
                "stderr": log,
                "text": True,
                "start_new_session": True,
                "cwd": self.stack.home,
                **options,
            }
            running = subprocess.Popen(command, env=env, **output)
            try:
                yield running
            finally:
                _terminate(running)


@contextmanager
def start_system(log: Log) -> Iterator[BenchmarkSystem]:
    """Yield a system whose services are not started yet; stop and delete it when the block ends."""
    with (
        TemporaryDirectory(prefix="bench-") as folder,
        FakeSlack() as slack,
        BenchmarkSystem.define(Path(folder), slack, log) as system,
    ):
        yield system


def _terminate(running: "subprocess.Popen[str]") -> None:
    """Terminate a process group by SIGTERM, then by SIGKILL."""
    for signal_number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(running.pid, signal_number)
        with suppress(subprocess.TimeoutExpired):
            running.wait(timeout=15)
