"""A whole system of its own to measure: its stack, a server as Slack's, and its jobs as tuned or plain."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pydantic import SecretStr

from benchmarks.slack import Slack
from benchmarks.without_cache import java_without_cache
from lakehouse.cdc.catalog import Catalog
from lakehouse.contracts import CAPTURED
from lakehouse.errors import NotReady
from lakehouse.local import leftovers
from lakehouse.local.addresses import environment, on_free_ports
from lakehouse.local.services import services
from lakehouse.local.stack import Stack
from lakehouse.settings import Settings
from lakehouse.source import cut
from lakehouse.source.full_load import Order, full_load
from lakehouse.source.postgres import connect
from lakehouse.source.sample_company import sample
from lakehouse.waiting import wait_until

PLAIN = Path(__file__).parent / "plain"
Say = Callable[[str], None]


@dataclass(frozen=True)
class System:
    """A stack, and what Slack got."""

    stack: Stack
    slack: Slack
    say: Say

    @property
    def settings(self) -> Settings:
        return self.stack.settings

    @property
    def plain(self) -> Settings:
        """The same system as Spark's and Delta's own settings run it."""
        java = java_without_cache(self.stack.home / "plain-java", self.settings.java_home)
        return self.settings.model_copy(update={"tuning_dir": PLAIN, "java_home": java})

    def load_company(self, months: int = 1) -> None:
        """Load the sample company with months of activities, and wait until Bronze has them."""
        with connect(self.settings, autocommit=True) as conn:
            # Gigabytes are made to wait here, which elsewhere would cost the slot.
            conn.execute("ALTER SYSTEM SET max_slot_wal_keep_size = -1")
            conn.execute("SELECT pg_reload_conf()")
        sample(self.stack.home / "input")
        list(full_load(self.settings, Order(self.stack.home / "input", history_months=months, seed=1)))
        self.drain(120)

    def drain(self, patience: float) -> None:
        """Wait until Bronze holds everything that is committed now."""
        cut.of_everything(self.settings, Catalog(self.settings.lake), CAPTURED, patience)

    @contextmanager
    def instead(self, name: str, settings: Settings) -> Iterator[None]:
        """Run a service under other settings, and again under its own afterwards if it ran before."""
        was_up = next(one.state for one in self.stack.status() if one.name == name) == "RUNNING"
        self.stack.down(name)
        service = next(one for one in services(self.stack.home, settings) if one.name == name)
        self.say(f"{name} with {settings.tuning_dir.name} settings on {Path(settings.lake).name}")
        with self.process(settings, *service.command) as running:
            wait_until(
                lambda: running.poll() is not None or service.missing() is None,
                timeout=service.timeout,
                missing=lambda: service.missing() or name,
            )
            if running.returncode is not None:
                raise NotReady(f"{name} ended with {running.returncode} as soon as it was started")
            yield
        if was_up:
            self.stack.up(name)

    @contextmanager
    def process(self, settings: Settings, *command: str, **options: Any) -> Iterator["subprocess.Popen[str]"]:
        """Run a command of ours beside the stack, and end it with all its children."""
        own = {**environment(settings), leftovers.HOME: str(self.stack.home)}
        with (self.stack.logs / "bench.log").open("a") as log:
            output = {
                "stdout": log,
                "stderr": log,
                "text": True,
                "start_new_session": True,
                "cwd": self.stack.home,
                **options,
            }
            running = subprocess.Popen(command, env=own, **output)
            try:
                yield running
            finally:
                _end(running)


@contextmanager
def system(say: Say) -> Iterator[System]:
    """Give a system that is not started yet; nothing of it is left afterwards."""
    with TemporaryDirectory(prefix="bench-") as folder, Slack() as slack:
        home = Path(folder)
        settings = on_free_ports(home).model_copy(update={"slack_webhook_url": SecretStr(slack.url)})
        stack = Stack(home, settings, say)
        try:
            yield System(stack, slack, say)
        finally:
            stack.down()


def _end(running: "subprocess.Popen[str]") -> None:
    """End a process and its session's others, gently at first."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(running.pid, how)
        with suppress(subprocess.TimeoutExpired):
            running.wait(timeout=15)
