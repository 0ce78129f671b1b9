"""The system under test: its lake on a small disk, its jobs with failpoints, and a flaky Slack."""

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
from lakehouse.cdc.table_store import TableStore
from lakehouse.clock import today
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
    """A stand-in for Slack: of 100 requests, 4 get a 429, 4 a 500, and 2 a dropped connection once stored."""

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
    """A running system: its stack, its Slack server, and whether the lake is on a small disk."""

    stack: Stack
    slack: FlakySlack
    small_disk: bool

    @property
    def settings(self) -> Settings:
        return self.stack.settings

    @property
    def armed_file(self) -> Path:
        """The file that names the armed failpoint."""
        return self.stack.home / "armed"


@contextmanager
def start_system(seed: int, log: Callable[[str], None]) -> Iterator[SystemUnderTest]:
    """Start a system on free ports with the sample company loaded, and stop it when the block ends."""
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
            set_log_retention(TableStore(settings.lake))
            write_sample_files(home / "input")
            backfill = partial(insert_history, rng=Random(seed), months=1)
            list(full_load(stack.settings, LoadOptions(home / "input"), backfill, today=today()))
            yield system
        finally:
            stack.down()
            if small_disk:
                subprocess.run(["umount", "--lazy", settings.lake], check=True)


def set_log_retention(store: TableStore) -> None:
    """Set the log retention of Bronze to 3 minutes instead of 10, so that logs are cleaned during a run."""
    for contract in CAPTURED:
        store.set_properties("bronze", contract.table, LOG_RETENTION_PROPERTIES)


def services_with_failpoints(home: Path, settings: Settings) -> list[Service]:
    """Return the services, the project's own jobs with failpoints."""
    return [replace(service, command=with_failpoints(service.command)) for service in services(home, settings)]


def with_failpoints(command: tuple[str, ...]) -> tuple[str, ...]:
    """Return the command with its script run under failpoints; unchanged where the script has none."""
    for n, word in enumerate(command):
        if Path(word).name in FAILPOINTS:
            runner = "chaos.crash_on_commit" if Path(word).name in TABLES_WRITTEN else "chaos.crash_before_ack"
            return (*command[:n], "-m", runner, *command[n:])
    return command


def enter_mount_namespace() -> None:
    """Re-execute this process in a mount namespace of its own, where a tmpfs can be mounted and vanishes at exit.

    Return where the process is in one already, or where this machine allows none.
    """
    if os.environ.get("CHAOS_MOUNTS"):
        return
    for options in ((), ("--user", "--map-root-user")):
        command = ("unshare", "--mount", *options, "--")
        if _succeeds(*command, "true"):
            os.environ["CHAOS_MOUNTS"] = "own"
            os.execvp(command[0], [*command, sys.executable, *sys.orig_argv[1:]])  # noqa: S606


def _mount_small_disk(folder: Path) -> bool:
    """Mount a tmpfs of 512 MiB at the folder, and return whether that was possible."""
    folder.mkdir(parents=True)
    mounted = os.environ.get("CHAOS_MOUNTS")
    return bool(mounted) and _succeeds("mount", "-t", "tmpfs", "-o", f"size={LAKE_DISK_BYTES}", "chaos", str(folder))


def _succeeds(*command: str) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False
