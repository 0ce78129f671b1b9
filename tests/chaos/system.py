"""The whole system, ready to be struck: its lake on a small disk, its jobs mortal at every step, Slack moody."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from pydantic import SecretStr
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from chaos.steps import ARMED, STEPS, WRITES
from lakehouse.cdc.catalog import Catalog
from lakehouse.contracts import CAPTURED
from lakehouse.local.addresses import on_free_ports
from lakehouse.local.service import Service
from lakehouse.local.services import services
from lakehouse.local.stack import Stack
from lakehouse.settings import Settings
from lakehouse.source.full_load import Order, full_load
from lakehouse.source.sample_company import sample

DISK = 512 * 1024 * 1024  # bytes
LOG_RETENTION = {"delta.logRetentionDuration": "interval 3 minutes"}
HOOK = "/services/T/B/X"


@dataclass
class Slack:
    """A server as Slack's; now and then it is busy, broken, or hangs up after it took a message."""

    rng: Random
    received: list[str] = field(default_factory=list)
    hung_up: int = 0

    def __call__(self, request: Request) -> Response:
        mood = self.rng.random()
        if mood < 0.04:
            return Response("rate_limited", 429, {"Retry-After": "1"})
        if mood < 0.08:
            return Response("internal_error", 500)
        self.received.append(str(request.get_json()["text"]))
        if mood < 0.10:
            self.hung_up += 1
            request.environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        return Response("ok")


@dataclass(frozen=True)
class System:
    """A running system: its stack, what dies at which step, and what Slack got."""

    stack: Stack
    slack: Slack
    small_disk: bool

    @property
    def settings(self) -> Settings:
        return self.stack.settings

    @property
    def armed(self) -> Path:
        return self.stack.home / "armed"


@contextmanager
def at_work(seed: int, say: Callable[[str], None]) -> Iterator[System]:
    """Give a system of its own, with the sample company loaded."""
    with TemporaryDirectory(prefix="chaos-") as folder, HTTPServer() as server:
        home, slack = Path(folder), Slack(Random(seed))
        server.expect_request(HOOK, method="POST").respond_with_handler(slack)
        settings = on_free_ports(home).model_copy(update={"slack_webhook_url": SecretStr(server.url_for(HOOK))})
        small = _small_disk(Path(settings.lake))
        stack = Stack(home, settings, say, mortal_services)
        system = System(stack, slack, small)
        os.environ[ARMED] = str(system.armed)
        try:
            stack.up()
            set_log_retention(Catalog(settings.lake))
            sample(home / "input")
            list(full_load(stack.settings, Order(home / "input", history_months=1, seed=seed)))
            yield system
        finally:
            stack.down()
            if small:
                subprocess.run(["umount", "--lazy", settings.lake], check=True)


def set_log_retention(catalog: Catalog) -> None:
    """Have Bronze's logs reach back three minutes and not ten, so that cleaning them falls into the run."""
    for contract in CAPTURED:
        catalog.set_properties("bronze", contract.table, LOG_RETENTION)


def mortal_services(home: Path, settings: Settings) -> list[Service]:
    """Give the services, those of our own as they die at a named step."""
    return [replace(one, command=mortal(one.command)) for one in services(home, settings)]


def mortal(command: tuple[str, ...]) -> tuple[str, ...]:
    """Give the command that runs one of our jobs so that it can be told to die at a step; others as they are."""
    for n, word in enumerate(command):
        if Path(word).name in STEPS:
            runner = "chaos.dies_committing" if Path(word).name in WRITES else "chaos.dies_noting"
            return (*command[:n], "-m", runner, *command[n:])
    return command


def in_own_mounts() -> None:
    """Go on in a mount namespace of our own, where a small disk can be made and leaves nothing behind."""
    if os.environ.get("CHAOS_MOUNTS"):
        return
    for how in ((), ("--user", "--map-root-user")):
        command = ("unshare", "--mount", *how, "--")
        if _works(*command, "true"):
            os.environ["CHAOS_MOUNTS"] = "own"
            os.execvp(command[0], [*command, sys.executable, *sys.orig_argv[1:]])  # noqa: S606


def _small_disk(folder: Path) -> bool:
    """Put a small disk at the folder; give whether this machine admits it."""
    folder.mkdir(parents=True)
    mounted = os.environ.get("CHAOS_MOUNTS")
    return bool(mounted) and _works("mount", "-t", "tmpfs", "-o", f"size={DISK}", "chaos", str(folder))


def _works(*command: str) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False
