"""The system under test: its lake on a small disk, its jobs with failpoints, and a flaky Slack."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from chaos.failpoints import ARMED_FILE_VAR, FAILPOINTS, TABLES_WRITTEN
from lakehouse.cdc.table_store import TableStore
from lakehouse.contracts import CAPTURED
from lakehouse.local.service import Service
from lakehouse.local.services import services
from lakehouse.settings import Settings
from lakehouse.source.commit_ledger import writable_store
from support.fake_slack import FakeSlack, Flaky
from support.system import Log, System

LAKE_DISK_BYTES = 512 * 1024 * 1024  # bytes
LOG_RETENTION_PROPERTIES = {"delta.logRetentionDuration": "interval 3 minutes"}


@dataclass(frozen=True)
class SystemUnderTest(System):
    """A system whose Slack is flaky, and whether its lake is on a small disk."""

    flaky: Flaky
    small_disk: bool

    @property
    def armed_file(self) -> Path:
        """The file that names the armed failpoint."""
        return self.stack.home / "armed"


@contextmanager
def start_system(seed: int, log: Log) -> Iterator[SystemUnderTest]:
    """Start a system on free ports with the sample company loaded, and stop it when the block ends."""
    flaky = Flaky(Random(seed))
    with (
        TemporaryDirectory(prefix="chaos-") as folder,
        FakeSlack(flaky) as slack,
        _small_disk(Path(folder) / "lake") as small_disk,
        SystemUnderTest.define(
            Path(folder), slack, log, services_with_failpoints, flaky=flaky, small_disk=small_disk
        ) as system,
    ):
        os.environ[ARMED_FILE_VAR] = str(system.armed_file)
        system.stack.up()
        with writable_store(system.settings, "chaos") as store:
            set_log_retention(store)
        system.load_company(seed=seed)
        yield system


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


@contextmanager
def _small_disk(folder: Path) -> Iterator[bool]:
    """Mount a tmpfs of 512 MiB at the folder until the block ends, and yield whether that was possible."""
    folder.mkdir(parents=True)
    tmpfs = ("-t", "tmpfs", "-o", f"size={LAKE_DISK_BYTES}", "chaos", str(folder))
    if not (os.environ.get("CHAOS_MOUNTS") and _succeeds("mount", *tmpfs)):
        yield False
        return
    try:
        yield True
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def _succeeds(*command: str) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False
