"""The system to benchmark: a stack of its own, a stub of Slack, and jobs with tuned or plain settings."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from pydantic import SecretStr

from benchmarks.plain_java import java_without_cache
from benchmarks.slack_stub import SlackStub
from lakehouse.cdc.table_store import TableStore
from lakehouse.clock import today
from lakehouse.contracts import CAPTURED
from lakehouse.errors import NotReady
from lakehouse.hr.full_load import LoadOptions, full_load
from lakehouse.local import orphans
from lakehouse.local.service_addresses import environment, on_free_ports
from lakehouse.local.services import services
from lakehouse.local.stack import Stack
from lakehouse.retries import wait_until
from lakehouse.settings import Settings
from lakehouse.simulator.backfill import insert_history
from lakehouse.simulator.sample_company import write_sample_files
from lakehouse.source import consistent_cut
from lakehouse.source.postgres import connect

PLAIN_TUNING_DIR = Path(__file__).parent / "plain"
Log = Callable[[str], None]


@dataclass(frozen=True)
class BenchmarkSystem:
    """A stack, its Slack stub and the log of the run."""

    stack: Stack
    slack: SlackStub
    log: Log

    @property
    def settings(self) -> Settings:
        return self.stack.settings

    @property
    def plain_settings(self) -> Settings:
        """The settings of the same system without tuning and ahead-of-time cache."""
        java = java_without_cache(self.stack.home / "plain-java", self.settings.java_home)
        return self.settings.model_copy(update={"tuning_dir": PLAIN_TUNING_DIR, "java_home": java})

    def load_company(self, months: int = 1) -> None:
        """Load the sample company with `months` of activities, and wait until Bronze has them."""
        with connect(self.settings, autocommit=True) as conn:
            # Gigabytes of WAL wait here, for which Postgres would otherwise invalidate the slot.
            conn.execute("ALTER SYSTEM SET max_slot_wal_keep_size = -1")
            conn.execute("SELECT pg_reload_conf()")
        write_sample_files(self.stack.home / "input")
        backfill = partial(insert_history, rng=Random(1), months=months)
        list(full_load(self.settings, LoadOptions(self.stack.home / "input"), backfill, today=today()))
        self.drain(120)

    def drain(self, timeout: float) -> None:
        """Wait until Bronze has all changes committed so far. Raises NotReady after the timeout (seconds)."""
        consistent_cut.wait_for_consistent_cut(self.settings, TableStore(self.settings.lake), CAPTURED, timeout)

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
        env = {**environment(settings), orphans.HOME_VAR: str(self.stack.home)}
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
    with TemporaryDirectory(prefix="bench-") as folder, SlackStub() as slack:
        home = Path(folder)
        settings = on_free_ports(home).model_copy(update={"slack_webhook_url": SecretStr(slack.url)})
        stack = Stack(home, settings, log)
        try:
            yield BenchmarkSystem(stack, slack, log)
        finally:
            stack.down()


def _terminate(running: "subprocess.Popen[str]") -> None:
    """Terminate a process group by SIGTERM, then by SIGKILL."""
    for signal_number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(running.pid, signal_number)
        with suppress(subprocess.TimeoutExpired):
            running.wait(timeout=15)
