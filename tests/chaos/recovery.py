"""A wait until the system has recovered by itself: each service, and the path from Postgres to Bronze."""

import time
from collections.abc import Sequence

from chaos.faults import Fault
from chaos.system_under_test import SystemUnderTest
from lakehouse.cdc.table_store import TableStore
from lakehouse.contracts import CAPTURED
from lakehouse.errors import NotReady
from lakehouse.retries import wait_until
from lakehouse.source import consistent_cut
from support.timing import seconds

START_TIMEOUT = seconds(300)  # a JVM starts slowly on a busy machine


def wait_until_recovered(system: SystemUnderTest, fault: Fault, timeout: float) -> str:
    """Wait until the fault's targets are ready, then until everything is; return a text with both durations.

    Raises NotReady where the targets take over START_TIMEOUT, or everything else over `timeout` seconds more.
    """
    started_at = time.monotonic()

    def targets_not_ready() -> str:
        return _not_ready_services(system, fault.targets)

    wait_until(lambda: not targets_not_ready(), timeout=START_TIMEOUT, missing=targets_not_ready)
    ready_at = time.monotonic()
    _wait_until_all_ready(system, timeout, may_crash=system.armed_file.exists())
    return f"ready after {ready_at - started_at:.1f} s, all back after {time.monotonic() - ready_at:.1f} s more"


def _wait_until_all_ready(system: SystemUnderTest, timeout: float, *, may_crash: bool) -> None:
    """Wait until everything is ready; if a failpoint fired meanwhile, wait for the timeout once more."""
    try:
        wait_until(lambda: not _describe_missing(system), timeout=timeout, missing=lambda: _describe_missing(system))
    except NotReady:
        if not may_crash or system.armed_file.exists():
            raise
        _wait_until_all_ready(system, timeout, may_crash=False)


def _describe_missing(system: SystemUnderTest) -> str:
    """Return the services that are not ready, or why Bronze lags; empty where all has recovered."""
    if not_ready := _not_ready_services(system):
        return not_ready
    try:
        consistent_cut.wait_for_consistent_cut(
            system.settings, TableStore(system.settings.lake), CAPTURED, timeout=seconds(20)
        )
    except NotReady as error:
        return str(error).partition("\n")[0]
    return ""


def _not_ready_services(system: SystemUnderTest, names: Sequence[str] | None = None) -> str:
    """Return the names of the services that are not ready, among `names` or among all."""
    not_ready = [service.name for service in system.stack.status() if not service.ready]
    return ", ".join(name for name in not_ready if names is None or name in names)
