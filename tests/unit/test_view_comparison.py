"""A view in the server is compared by its columns, comments and query: its properties alone prove nothing."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from lakehouse.gold.views import View, load_views
from lakehouse.serving import client
from lakehouse.serving.view_setup import apply_views
from lakehouse.settings import Settings

SETTINGS = Settings(lake_uri="/some/lake")
VIEWS = {view.name: view for view in load_views("/some/lake", journal=str(SETTINGS.access_journal_dir))}
PRIME = "gold.v_prime_sportive"
PASSWORD = "made-at-start"


@dataclass(frozen=True)
class ServerView:
    """A view as the server holds it."""

    columns: list[tuple[str, str]]
    comment: str
    text: str
    digest: str
    created_at: int = 0

    @classmethod
    def of(cls, view: View) -> "ServerView":
        return cls(view.columns, view.comment, view.query.strip(), view.digest)


@dataclass
class FakeServer:
    """A Thrift server that knows the statements of the initialiser, in place of PyHive's connection."""

    views: dict[str, ServerView]
    statements: list[str] = field(default_factory=list)
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    description = (("any",),)

    def cursor(self) -> "FakeServer":
        return self

    def close(self) -> None:
        pass

    def fetchall(self) -> list[tuple[Any, ...]]:
        return self.rows

    def execute(self, sql: str) -> None:
        self.statements.append(sql)
        if sql.startswith("SHOW TABLE EXTENDED"):
            self.rows = [(*name.split("."), False, str(view)) for name, view in self.views.items()]
        elif sql.startswith("DESCRIBE TABLE EXTENDED "):
            self.rows = [*self._describe(self.views[sql.rpartition(" ")[2]])]
        elif sql.startswith("CREATE OR REPLACE VIEW"):
            name = sql.split()[4]
            self.views[name] = replace(ServerView.of(VIEWS[name]), created_at=len(self.statements))

    def count(self, beginning: str) -> int:
        return sum(sql.startswith(beginning) for sql in self.statements)

    @staticmethod
    def _describe(view: ServerView) -> Iterator[tuple[Any, ...]]:
        yield from ((name, "int", comment) for name, comment in view.columns)
        yield from [("", "", ""), ("# Detailed Table Information", "", ""), ("Comment", view.comment, "")]
        yield from [("View Text", view.text, ""), ("View Original Text", view.text, "")]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> FakeServer:
    """Return a server that holds every view as it is declared, to those who log in as its owner."""
    server = FakeServer({name: ServerView.of(view) for name, view in VIEWS.items()})

    def open_connection(_: Settings, *login: str) -> FakeServer:
        assert login == ("owner", PASSWORD)
        return server

    monkeypatch.setattr(client, "open_connection", open_connection)
    monkeypatch.setattr(client, "read_owner_password", lambda _: PASSWORD)
    return server


def forge(server: FakeServer, **changes: Any) -> None:
    server.views[PRIME] = replace(server.views[PRIME], **changes)


def test_views_as_they_are_declared_are_left_alone(server: FakeServer) -> None:
    assert apply_views(SETTINGS) == []
    assert server.count("CREATE OR REPLACE") == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"text": VIEWS[PRIME].query.strip().replace("montant_prime", "montant_prime + 1000")},
        {"columns": [*VIEWS[PRIME].columns[1:], VIEWS[PRIME].columns[0]]},
        {"columns": [(name, f"{comment} ?") for name, comment in VIEWS[PRIME].columns]},
        {"columns": [*VIEWS[PRIME].columns, ("View Text", "")]},
        {"comment": "View Text"},
    ],
    ids=["query", "order of columns", "comments of columns", "a column more", "comment"],
)
def test_forged_view_with_the_right_digest_is_created_again(server: FakeServer, changes: dict[str, Any]) -> None:
    forge(server, **changes)
    assert apply_views(SETTINGS) == [PRIME]
    assert apply_views(SETTINGS) == []


def test_view_of_another_statement_and_a_missing_one_are_created(server: FakeServer) -> None:
    forge(server, digest="0" * 16)
    del server.views["gold.v_kpi"]
    assert sorted(apply_views(SETTINGS)) == ["gold.v_kpi", PRIME]


def test_view_is_compared_again_only_where_its_description_changed(server: FakeServer) -> None:
    verified: dict[str, str] = {}
    apply_views(SETTINGS, verified=verified)
    assert server.count("DESCRIBE") == len(VIEWS)
    apply_views(SETTINGS, verified=verified)
    assert server.count("DESCRIBE") == len(VIEWS)
    forge(server, text="SELECT 1")
    assert apply_views(SETTINGS, verified=verified) == [PRIME]


def test_each_view_declares_its_columns_once() -> None:
    for view in VIEWS.values():
        head = view.sql.split("AS SELECT", 1)[0]
        assert len(view.columns) == len(re.findall(r"COMMENT '", head)) - 1, view.name
