"""Gold's views: one .sql each in spark/views, sent to the running server, which owns the catalog."""

from collections.abc import Callable

from pyhive.hive import Cursor

from lakehouse.errors import NotReady
from lakehouse.logs import logger
from lakehouse.serving.client import Refused, ask, query, session
from lakehouse.settings import ROOT, Settings
from lakehouse.waiting import Stop, carry_on, wait_until

VIEWS = ROOT / "spark" / "views"
LOOK_EVERY = 10.0  # seconds
NO_TABLE = ("PATH_NOT_FOUND", "DELTA_MISSING_DELTA_TABLE", "DELTA_PATH_DOES_NOT_EXIST")

log = logger("views")


def apply_views(settings: Settings, *, wait: float = 0) -> list[str]:
    """Make or replace every view, and give their names.

    Waits up to so many seconds for the server and for the tables under the views; NotReady names what is missing.
    """
    left = statements(settings.lake)
    names = list(left)
    reasons: list[str] = []

    def all_made() -> bool:
        reasons[:] = _make(settings, left)
        return not reasons

    wait_until(all_made, timeout=wait, missing=lambda: f"{', '.join(left)}: {reasons[0]}", every=0.5)
    return names


def keep_applied(settings: Settings, stop: Stop, well: Callable[[], None]) -> None:
    """Make every view, and again whenever the server has lost some; `well` is called whenever all are there."""
    carry_on(lambda: _keep(settings, stop, well), away=(NotReady, Refused), say=log.warning, stop=stop)


def _keep(settings: Settings, stop: Stop, well: Callable[[], None]) -> None:
    # At first all, for they may have changed; then again where a server that was started anew does not know one.
    there: set[str] = set()
    while not stop.is_set():
        if there.issuperset(statements(settings.lake)):
            well()
            stop.wait(LOOK_EVERY)
        else:
            log.info("views made", views=len(apply_views(settings)))
        there = {f"{row[0]}.{row[1]}" for row in query(settings, "SHOW VIEWS IN gold").rows}


def statements(lake: str) -> dict[str, str]:
    """Give the statement of each view, by its name, over the tables of a lake."""
    return {
        f"gold.{file.stem}": file.read_text(encoding="utf-8").replace("{lake}", lake)
        for file in sorted(VIEWS.glob("*.sql"))
    }


def _make(settings: Settings, left: dict[str, str]) -> list[str]:
    """Make what can be made by now, take it out of `left`, and say why the others cannot be."""
    try:
        with session(settings) as cursor:
            ask(cursor, "CREATE DATABASE IF NOT EXISTS gold")
            lacks = {name: _lack(cursor, sql) for name, sql in left.items()}
    except NotReady as no_server:
        return [str(no_server)]
    for name in [name for name, lack in lacks.items() if not lack]:
        del left[name]
    return [lack for lack in lacks.values() if lack]


def _lack(cursor: Cursor, sql: str) -> str:
    """Make a view; where its table is not there yet, give the words for that."""
    try:
        ask(cursor, sql)
    except Refused as refusal:
        if refusal.condition in NO_TABLE:
            return f"{refusal} Gold's tables are made when the lake is first written to."
        raise
    return ""
