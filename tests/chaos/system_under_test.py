"""The whole system, ready to be struck: its lake on a small disk, its jobs mortal at every step, Slack moody."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from pydantic import SecretStr
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from chaos.failpoints import ARMED_FILE_VAR, FAILPOINTS, TABLES_WRITTEN
from lakehouse.cdc.catalog import Catalog
from lakehouse.contracts import CAPTURED
from lakehouse.hr.full_load import LoadOptions, full_load
from lakehouse.local.service import Service
from lakehouse.local.service_addresses import on_free_ports
from lakehouse.local.services import services
from lakehouse.local.stack import Stack
from lakehouse.settings import Settings
from lakehouse.simulator.backfill import insert_history
from lakehouse.simulator.sample_company import write_sample_files

LAKE_DISK_BYTES = 512 * 1024 * 1024  # bytes
LOG_RETENTION_PROPERTIES = {"delta.logRetentionDuration": "interval 3 minutes"}
WEBHOOK_PATH = "/services/T/B/X"


@dataclass
class FlakySlack:
    """A server as Slack's; now and then it is busy, broken, or hangs up after it took a message."""

    rng: Random
    received: list[str] = field(default_factory=list)
    dropped_connections: int = 0

    def __call__(self, request: Request) -> Response:
        draw = self.rng.random()
        if draw < 0.04:
            return Response("rate_limited", 429, {"Retry-After": "1"})
        if draw < 0.08:
            return Response("internal_error", 500)
        self.received.append(str(request.get_json()["text"]))
        if draw < 0.10:
            self.dropped_connections += 1
            request.environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        return Response("ok")


@dataclass(frozen=True)
class SystemUnderTest:
    """A running system: its stack, what dies at which step, and what Slack got."""

    stack: Stack
    slack: FlakySlack
    small_disk: bool

    @property
    def settings(self) -> Settings:
        return self.stack.settings

    @property
    def armed_file(self) -> Path:
        return self.stack.home / "armed"


@contextmanager
def start_system(seed: int, log: Callable[[str], None]) -> Iterator[SystemUnderTest]:
    """Give a system of its own, with the sample company loaded."""
    with TemporaryDirectory(prefix="chaos-") as folder, HTTPServer() as server:
        home, slack = Path(folder), FlakySlack(Random(seed))
        server.expect_request(WEBHOOK_PATH, method="POST").respond_with_handler(slack)
        settings = on_free_ports(home).model_copy(update={"slack_webhook_url": SecretStr(server.url_for(WEBHOOK_PATH))})
        small_disk = _mount_small_disk(Path(settings.lake))
        stack = Stack(home, settings, log, services_with_failpoints)
        system = SystemUnderTest(stack, slack, small_disk)
        os.environ[ARMED_FILE_VAR] = str(system.armed_file)
        try:
            stack.up()
            set_log_retention(Catalog(settings.lake))
            write_sample_files(home / "input")
            backfill = partial(insert_history, rng=Random(seed), months=1)
            list(full_load(stack.settings, LoadOptions(home / "input"), backfill))
            yield system
        finally:
            stack.down()
            if small_disk:
                subprocess.run(["umount", "--lazy", settings.lake], check=True)


def set_log_retention(catalog: Catalog) -> None:
    """Have Bronze's logs reach back three minutes and not ten, so that cleaning them falls into the run."""
    for contract in CAPTURED:
        catalog.set_properties("bronze", contract.table, LOG_RETENTION_PROPERTIES)


def services_with_failpoints(home: Path, settings: Settings) -> list[Service]:
    """Give the services, those of our own as they die at a named step."""
    return [replace(service, command=with_failpoints(service.command)) for service in services(home, settings)]


def with_failpoints(command: tuple[str, ...]) -> tuple[str, ...]:
    """Give the command that runs one of our jobs so that it can be told to die at a step; others as they are."""
    for n, word in enumerate(command):
        if Path(word).name in FAILPOINTS:
            runner = "chaos.crash_on_commit" if Path(word).name in TABLES_WRITTEN else "chaos.crash_before_ack"
            return (*command[:n], "-m", runner, *command[n:])
    return command


def enter_mount_namespace() -> None:
    """Go on in a mount namespace of our own, where a small disk can be made and leaves nothing behind."""
    if os.environ.get("CHAOS_MOUNTS"):
        return
    for options in ((), ("--user", "--map-root-user")):
        command = ("unshare", "--mount", *options, "--")
        if _succeeds(*command, "true"):
            os.environ["CHAOS_MOUNTS"] = "own"
            os.execvp(command[0], [*command, sys.executable, *sys.orig_argv[1:]])  # noqa: S606


def _mount_small_disk(folder: Path) -> bool:
    """Put a small disk at the folder; give whether this machine admits it."""
    folder.mkdir(parents=True)
    mounted = os.environ.get("CHAOS_MOUNTS")
    return bool(mounted) and _succeeds("mount", "-t", "tmpfs", "-o", f"size={LAKE_DISK_BYTES}", "chaos", str(folder))


def _succeeds(*command: str) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False
