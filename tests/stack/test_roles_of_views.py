"""The server answers each role what the table of docs/roles.md says, no more and no less."""

from collections import defaultdict

from lakehouse.gold.views import DATABASES
from lakehouse.serving.client import execute, open_session, query
from lakehouse.settings import Settings
from support.role_table import documented_columns

Columns = dict[str, list[str]]


def answered_columns(settings: Settings, *, as_owner: bool) -> Columns:
    """Return each view that the server shows a session, with the columns that a SELECT of it has."""
    with open_session(settings, as_owner=as_owner) as cursor:
        databases = [name for (name,) in execute(cursor, "SHOW DATABASES").rows]
        views = [f"{row[0]}.{row[1]}" for name in databases for row in execute(cursor, f"SHOW VIEWS IN {name}").rows]
        return {view: execute(cursor, f"TABLE {view}").columns for view in views}


def bare(columns: Columns) -> Columns:
    """Return the columns without the view's name, which the server puts before each."""
    return {view: [name.rpartition(".")[2] for name in names] for view, names in columns.items()}


def test_each_role_is_answered_the_documented_views_and_columns(settings: Settings) -> None:
    documented: dict[str, Columns] = defaultdict(dict)
    for (role, view), columns in documented_columns().items():
        documented[role][view] = columns
    assert bare(answered_columns(settings, as_owner=False)) == documented["rh"]
    assert bare(answered_columns(settings, as_owner=True)) == documented["rh"] | documented["direction"]


def test_databases_of_another_role_are_not_listed(settings: Settings) -> None:
    assert query(settings, "SHOW DATABASES").rows == [("default",), ("gold",)]
    assert query(settings, "SHOW SCHEMAS LIKE 'd*'").rows == [("default",)]
    assert query(settings, "SHOW DATABASES LIKE 'direction'").rows == []
    owned = {name for (name,) in query(settings, "SHOW DATABASES", as_owner=True).rows}
    assert owned >= {*DATABASES}
