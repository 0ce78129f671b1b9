"""Gold's views: one .sql each in spark/views, sent to the running server, which owns the catalog."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pyhive.hive import Cursor

from lakehouse.errors import NotReady
from lakehouse.logs import logger
from lakehouse.serving.client import Refused, ask, session
from lakehouse.settings import ROOT, Settings
from lakehouse.waiting import Stop, carry_on, wait_until

VIEWS = ROOT / "spark" / "views"
LOOK_EVERY = 10.0  # seconds
NO_TABLE = ("PATH_NOT_FOUND", "DELTA_MISSING_DELTA_TABLE", "DELTA_PATH_DOES_NOT_EXIST")

log = logger("views")


@dataclass(frozen=True)
class View:
    """A view and the statement that makes it, which leaves its own digest with the view."""

    name: str
    sql: str
    digest: str


def apply_views(settings: Settings, *, wait: float = 0) -> list[str]:
    """Make the views that the server does not have, or has of another statement, and give their names.

    Waits up to so many seconds for the server and for the tables under the views; NotReady names what is missing.
    """
    made: list[str] = []
    lacks: dict[str, str] = {}

    def all_made() -> bool:
        lacks.clear()
        lacks.update(_make(settings, made))
        return not lacks

    wait_until(all_made, timeout=wait, missing=lambda: f"{', '.join(lacks)}: {next(iter(lacks.values()))}", every=0.5)
    return made


def keep_applied(settings: Settings, stop: Stop, well: Callable[[], None]) -> None:
    """Make every view, and again whenever the server has lost some; `well` is called whenever all are there."""
    carry_on(lambda: _keep(settings, stop, well), away=(NotReady, Refused), say=log.warning, stop=stop)


def _keep(settings: Settings, stop: Stop, well: Callable[[], None]) -> None:
    while not stop.is_set():
        if made := apply_views(settings):
            log.info("views made", views=len(made))
        well()
        stop.wait(LOOK_EVERY)


def views(lake: str) -> list[View]:
    """Give each view, over the tables of a lake."""
    return [_view(file, lake) for file in sorted(VIEWS.glob("*.sql"))]


def _view(file: Path, lake: str) -> View:
    sql = file.read_text(encoding="utf-8").replace("{lake}", lake)
    digest = hashlib.sha256(sql.encode()).hexdigest()[:16]
    return View(f"gold.{file.stem}", sql.replace("{digest}", digest), digest)


def _make(settings: Settings, made: list[str]) -> dict[str, str]:
    """Make what can be made by now, add its names, and give why each of the others cannot be."""
    lacks = {}
    try:
        with session(settings) as cursor:
            ask(cursor, "CREATE DATABASE IF NOT EXISTS gold")
            # Each is analysed when it is made, over a second each in a server that has just started.
            held = str(ask(cursor, "SHOW TABLE EXTENDED IN gold LIKE 'v_*'").rows)
            for view in views(settings.lake):
                if view.digest not in held:
                    lacks[view.name] = _lack(cursor, view.sql)
    except NotReady as no_server:
        return {"gold": str(no_server)}
    made += [name for name, lack in lacks.items() if not lack]
    return {name: lack for name, lack in lacks.items() if lack}


def _lack(cursor: Cursor, sql: str) -> str:
    """Make a view; where its table is not there yet, give the words for that."""
    try:
        ask(cursor, sql)
    except Refused as refusal:
        if refusal.condition in NO_TABLE:
            return f"{refusal} Gold's tables are made when the lake is first written to."
        raise
    return ""
