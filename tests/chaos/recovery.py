"""Whether everything comes back by itself: each service, and the way of a change from Postgres into Bronze."""

import time
from collections.abc import Sequence

from chaos.faults import Fault
from chaos.system_under_test import SystemUnderTest
from lakehouse.cdc.catalog import Catalog
from lakehouse.contracts import CAPTURED
from lakehouse.errors import NotReady
from lakehouse.retries import wait_until
from lakehouse.source import consistent_cut

START_TIMEOUT = 300.0  # seconds; a JVM on a busy machine takes its time


def wait_until_recovered(system: SystemUnderTest, fault: Fault, timeout: float) -> str:
    """Wait until what was struck is ready, then so many seconds until everything is; give how long both took."""
    started_at = time.monotonic()

    def targets_not_ready() -> str:
        return _not_ready_services(system, fault.targets)

    wait_until(lambda: not targets_not_ready(), timeout=START_TIMEOUT, missing=targets_not_ready)
    ready_at = time.monotonic()
    _wait_until_all_ready(system, timeout, may_crash=system.armed_file.exists())
    return f"ready after {ready_at - started_at:.1f} s, all back after {time.monotonic() - ready_at:.1f} s more"


def _wait_until_all_ready(system: SystemUnderTest, timeout: float, *, may_crash: bool) -> None:
    """Wait; where a job died at a step meanwhile, as long again."""
    try:
        wait_until(lambda: not _describe_missing(system), timeout=timeout, missing=lambda: _describe_missing(system))
    except NotReady:
        if not may_crash or system.armed_file.exists():
            raise
        _wait_until_all_ready(system, timeout, may_crash=False)


def _describe_missing(system: SystemUnderTest) -> str:
    """Say what is not back yet; empty where nothing is missing."""
    if not_ready := _not_ready_services(system):
        return not_ready
    try:
        consistent_cut.wait_for_consistent_cut(system.settings, Catalog(system.settings.lake), CAPTURED, timeout=20.0)
    except NotReady as error:
        return str(error).partition("\n")[0]
    return ""


def _not_ready_services(system: SystemUnderTest, names: Sequence[str] | None = None) -> str:
    """Name those of the services, or of all, that are not ready."""
    not_ready = [one.name for one in system.stack.status() if not one.ready]
    return ", ".join(name for name in not_ready if names is None or name in names)
