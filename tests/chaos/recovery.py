"""Whether everything comes back by itself: each service, and the way of a change from Postgres into Bronze."""

import time
from collections.abc import Sequence

from chaos.blows import Blow
from chaos.system import System
from lakehouse.cdc.catalog import Catalog
from lakehouse.contracts import CAPTURED
from lakehouse.errors import NotReady
from lakehouse.source import cut
from lakehouse.waiting import wait_until

STARTS_WITHIN = 300.0  # seconds; a JVM on a busy machine takes its time


def back(system: System, blow: Blow, within: float) -> str:
    """Wait until what was struck is ready, then so many seconds until everything is; give how long both took."""
    began = time.monotonic()

    def struck_are_away() -> str:
        return _away(system, blow.struck)

    wait_until(lambda: not struck_are_away(), timeout=STARTS_WITHIN, missing=struck_are_away)
    itself = time.monotonic()
    _everything(system, within, may_die=system.armed.exists())
    return f"ready after {itself - began:.1f} s, all back after {time.monotonic() - itself:.1f} s more"


def _everything(system: System, within: float, *, may_die: bool) -> None:
    """Wait; where a job died at a step meanwhile, as long again."""
    try:
        wait_until(lambda: not _missing(system), timeout=within, missing=lambda: _missing(system))
    except NotReady:
        if not may_die or system.armed.exists():
            raise
        _everything(system, within, may_die=False)


def _missing(system: System) -> str:
    """Say what is not back yet; empty where nothing is missing."""
    if away := _away(system):
        return away
    try:
        cut.of_everything(system.settings, Catalog(system.settings.lake), CAPTURED, patience=20.0)
    except NotReady as error:
        return str(error).partition("\n")[0]
    return ""


def _away(system: System, names: Sequence[str] | None = None) -> str:
    """Name those of the services, or of all, that are not ready."""
    away = [one.name for one in system.stack.status() if not one.ready]
    return ", ".join(name for name in away if names is None or name in names)
