"""The system under test: on small disks, with a clock for Postgres, failpoints in its jobs, and a flaky Slack."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from chaos import postgres_clock
from chaos.failpoints import ARMED_FILE_VAR, FAILPOINTS, TABLES_WRITTEN
from chaos.small_disks import mount_small_disks
from lakehouse.cdc.table_store import TableStore
from lakehouse.contracts import CAPTURED
from lakehouse.local.service import Service
from lakehouse.local.services import services
from lakehouse.settings import Settings
from lakehouse.source.commit_ledger import writable_store
from support.fake_slack import FakeSlack, Flaky
from support.system import Log, System

LOG_RETENTION_PROPERTIES = {"delta.logRetentionDuration": "interval 3 minutes"}


@dataclass(frozen=True)
class SystemUnderTest(System):
    """A system whose Slack is flaky, and the names of its parts that are on small disks."""

    flaky: Flaky
    small_disks: frozenset[str]

    @property
    def has_small_lake_disk(self) -> bool:
        return "lake" in self.small_disks

    @property
    def armed_file(self) -> Path:
        """The file that names the armed failpoint."""
        return armed_file(self.stack.home)

    @property
    def clock_file(self) -> Path:
        """The file that names the offset of Postgres's clock."""
        return clock_file(self.stack.home)


@contextmanager
def start_system(seed: int, log: Log) -> Iterator[SystemUnderTest]:
    """Start a system on free ports with the sample company loaded, and stop it when the block ends."""
    flaky = Flaky(Random(seed))
    with (
        TemporaryDirectory(prefix="chaos-") as folder,
        FakeSlack(flaky) as slack,
        mount_small_disks(Path(folder)) as small_disks,
        SystemUnderTest.define(
            Path(folder), slack, log, services_under_test, flaky=flaky, small_disks=small_disks
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


def services_under_test(home: Path, settings: Settings) -> list[Service]:
    """Return the services: the project's own jobs with failpoints, and Postgres with a clock of its own."""
    return [replace(service, command=_command_under_test(service, home)) for service in services(home, settings)]


def _command_under_test(service: Service, home: Path) -> tuple[str, ...]:
    if service.name == "postgres":
        return postgres_clock.with_clock(service.command, clock_file(home))
    return ("env", f"{ARMED_FILE_VAR}={armed_file(home)}", *with_failpoints(service.command))


def armed_file(home: Path) -> Path:
    return home / "armed"


def clock_file(home: Path) -> Path:
    return home / "run" / "postgres-clock"


def with_failpoints(command: tuple[str, ...]) -> tuple[str, ...]:
    """Return the command with its script run under failpoints; unchanged where the script has none."""
    for n, word in enumerate(command):
        if Path(word).name in FAILPOINTS:
            runner = "chaos.crash_on_commit" if Path(word).name in TABLES_WRITTEN else "chaos.crash_before_ack"
            return (*command[:n], "-m", runner, *command[n:])
    return command
