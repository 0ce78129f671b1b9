"""The views of `gold` and of `direction`, created as `owner` in the running server, which owns the catalog."""

from collections.abc import Callable, MutableMapping, Sequence
from typing import Any

from pyhive.hive import Cursor

from lakehouse.errors import NotReady
from lakehouse.gold.views import DATABASES, View, load_views
from lakehouse.logs import logger
from lakehouse.retries import StopSignal, retry_until_stopped, wait_until
from lakehouse.serving.client import QueryError, execute, open_session
from lakehouse.settings import Settings

VIEW_CHECK_INTERVAL_S = 10.0
MISSING_TABLE_CONDITIONS = ("PATH_NOT_FOUND", "DELTA_MISSING_DELTA_TABLE", "DELTA_PATH_DOES_NOT_EXIST")

log = logger("views")


def apply_views(
    settings: Settings, *, timeout: float = 0, verified: MutableMapping[str, str] | None = None
) -> list[str]:
    """Create the views that the server lacks or has from another statement, and return their names.

    Each view's columns, comments and query are compared with those that the server holds. `verified` maps a view to
    the server's description of it at its last comparison: a view whose description is the same is not compared again.
    Waits up to `timeout` seconds for the server and the tables under the views.
    Raises NotReady with what is still missing then.
    """
    created: list[str] = []
    reasons: dict[str, str] = {}

    def are_all_created() -> bool:
        reasons.clear()
        reasons.update(_create_missing(settings, created, verified if verified is not None else {}))
        return not reasons

    wait_until(
        are_all_created,
        timeout=timeout,
        missing=lambda: f"{', '.join(reasons)}: {next(iter(reasons.values()))}",
        interval=0.5,
    )
    return created


def reconcile_views(settings: Settings, stop: StopSignal, heartbeat: Callable[[], None]) -> None:
    """Create missing views until stopped, also after the server lost some; call `heartbeat` whenever all exist."""
    retry_until_stopped(
        lambda: _reconcile_until_stopped(settings, stop, heartbeat),
        on=(NotReady, QueryError),
        log=log.warning,
        stop=stop,
    )


def _reconcile_until_stopped(settings: Settings, stop: StopSignal, heartbeat: Callable[[], None]) -> None:
    verified: dict[str, str] = {}
    while not stop.is_set():
        if created := apply_views(settings, verified=verified):
            log.info("views_created", views=len(created))
        heartbeat()
        stop.wait(VIEW_CHECK_INTERVAL_S)


def _create_missing(settings: Settings, created: list[str], verified: MutableMapping[str, str]) -> dict[str, str]:
    """Create the views that can be created now, add their names to `created`, and return why the others cannot."""
    reasons = {}
    try:
        with open_session(settings, as_owner=True) as cursor:
            for database in DATABASES:
                execute(cursor, f"CREATE DATABASE IF NOT EXISTS {database}")
            # Creating a view analyses it, which takes over a second each in a server that has just started.
            existing = [
                row
                for database in DATABASES
                for row in execute(cursor, f"SHOW TABLE EXTENDED IN {database} LIKE 'v_*'").rows
            ]
            descriptions = {f"{database}.{name}": str(text) for database, name, _, text in existing}
            for view in load_views(settings.lake, journal=str(settings.access_journal_dir)):
                description = descriptions.get(view.name)
                if description is None or not _is_as_declared(cursor, view, description, verified):
                    reasons[view.name] = _create_or_reason(cursor, view.sql)
    except NotReady as error:
        return {"gold": str(error)}
    created += [name for name, reason in reasons.items() if not reason]
    return {name: reason for name, reason in reasons.items() if reason}


def _is_as_declared(cursor: Cursor, view: View, description: str, verified: MutableMapping[str, str]) -> bool:
    """Return whether the server holds the view as its statement declares it. Its properties alone prove nothing."""
    if view.digest not in description:
        return False
    if verified.get(view.name) != description:
        if not _is_same_text(view, execute(cursor, f"DESCRIBE TABLE EXTENDED {view.name}").rows):
            log.warning("view_differs_from_its_statement", view=view.name)
            return False
        verified[view.name] = description
    return True


def _is_same_text(view: View, described: Sequence[tuple[Any, ...]]) -> bool:
    """Return whether rows of DESCRIBE TABLE EXTENDED, (name, value, comment), are those of the view.

    The columns come first, so that no column can pass for a line of the details.
    """
    count = len(view.columns)
    columns = [(name, comment) for name, _, comment in described[:count]]
    details = [(name, value) for name, value, _ in described[count:] if name in {"Comment", "View Text"}]
    declared = [("Comment", view.comment), ("View Text", view.query.strip())]
    return columns == view.columns and sorted(details) == declared


def _create_or_reason(cursor: Cursor, sql: str) -> str:
    """Create a view, or return why its table does not exist yet; an empty text if it was created."""
    try:
        execute(cursor, sql)
    except QueryError as error:
        if error.condition in MISSING_TABLE_CONDITIONS:
            return f"{error} Gold's tables are created when the lake is first written to."
        raise
    return ""
