"""The ledger of commits in Postgres: what it notes and spends, by the login of the stream too, and what it costs."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Thread

import pytest
from deltalake import CommitProperties

from lakehouse.cdc.commit_intents import CheckedVersion, CheckResult, CommitIntent, ForeignCommit
from lakehouse.cdc.foreign_commits import accept_restored, check_table, find_foreign_commits
from lakehouse.cdc.table_store import TableStore
from lakehouse.errors import NotReady
from lakehouse.settings import Settings
from lakehouse.source.commit_ledger import PostgresLedger, writable_store
from lakehouse.source.lease import Lease
from lakehouse.source.postgres import Connection, ProgrammingError, connect
from lakehouse.source.roles import READER_ROLE, as_login, as_worker
from support.timing import seconds

TABLE, TABLES = ("silver", "shoes"), (("silver", "quarantine"), ("silver", "shoes"))
LAKE, TABLE_NAME = "a lake", "silver/shoes"


@pytest.fixture
def conn(database: Settings) -> Iterator[Connection]:
    with connect(database, autocommit=True) as conn:
        yield conn


@pytest.fixture
def ledger(database: Settings) -> Iterator[PostgresLedger]:
    with closing(PostgresLedger(as_worker(database), "stream")) as ledger:
        yield ledger


@pytest.fixture
def store(database: Settings, tmp_path: Path) -> Iterator[TableStore]:
    """Yield a lake with one table, written by the login of the stream."""
    settings = as_worker(database).model_copy(update={"lake_uri": str(tmp_path / "lake")})
    with writable_store(settings, "stream") as store:
        store.create_quarantine()
        store.create(*TABLE, {"id": "int"})
        yield store


def tokens(conn: Connection) -> set[str]:
    return {token for (token,) in conn.execute("SELECT token FROM ops.lake_commits").fetchall()}


def note(ledger: PostgresLedger, token: str, after_version: int = 4) -> None:
    ledger.note(CommitIntent(LAKE, TABLE_NAME, after_version, token))


def test_intent_is_spent_by_the_check_that_finds_its_commit(ledger: PostgresLedger, conn: Connection) -> None:
    for token in ("a", "b", "c"):
        note(ledger, token)
    with ledger.check(LAKE, TABLE_NAME) as check:
        assert check.last is None
        assert {token: intent.after_version for token, intent in check.intents(["a", "c", "x"]).items()} == {
            "a": 4,
            "c": 4,
        }
        check.record(CheckResult(CheckedVersion("id", 7), spent=["a"], started=["c"]))
    assert tokens(conn) == {"b", "c"}
    with ledger.check(LAKE, TABLE_NAME) as check:
        assert check.last == CheckedVersion("id", 7)
        assert {token: intent.is_started for token, intent in check.intents(["a", "b", "c"]).items()} == {
            "b": False,
            "c": True,
        }
    assert ledger.checked_versions(LAKE) == {TABLE_NAME: CheckedVersion("id", 7)}
    assert not ledger.has_other_lake(LAKE)
    assert ledger.has_other_lake("another lake")


def test_killed_check_has_spent_nothing(ledger: PostgresLedger, conn: Connection) -> None:
    note(ledger, "a")
    with pytest.raises(KeyboardInterrupt), ledger.check(LAKE, TABLE_NAME) as check:  # noqa: PT012 - the kill is in the block
        check.record(CheckResult(CheckedVersion("id", 7), spent=["a"]))
        raise KeyboardInterrupt
    assert tokens(conn) == {"a"}
    assert ledger.checked_versions(LAKE) == {}


def test_findings_stay_open_until_they_are_resolved(ledger: PostgresLedger) -> None:
    first, second = (ForeignCommit(TABLE_NAME, "id", n, n, "WRITE by x", is_replacement=n == 9) for n in (8, 9))
    with ledger.check(LAKE, TABLE_NAME) as check:
        check.record(CheckResult(CheckedVersion("id", 9), foreign=[first, second]))
    assert ledger.foreign_commits(LAKE) == [first, second]
    assert ledger.foreign_commits("another lake") == []
    ledger.resolve(LAKE, TABLE_NAME, "rebuilt from Bronze")
    assert ledger.foreign_commits(LAKE) == []
    assert ledger.foreign_commits(LAKE, resolved=True) == [first, second]


def test_intents_of_killed_writers_are_deleted_after_a_week(ledger: PostgresLedger, conn: Connection) -> None:
    for token in ("old", "new"):
        note(ledger, token)
    conn.execute("UPDATE ops.lake_commits SET noted_at = now() - interval '8 days' WHERE token = 'old'")
    with ledger.check(LAKE, TABLE_NAME) as check:
        check.record(CheckResult(CheckedVersion("id", 7)))
    assert tokens(conn) == {"new"}


def test_second_check_of_a_table_waits_for_the_first(database: Settings, ledger: PostgresLedger) -> None:
    found: list[CheckedVersion | None] = []

    def check_again() -> None:
        with closing(PostgresLedger(database, "refresh")) as other, other.check(LAKE, TABLE_NAME) as check:
            found.append(check.last)

    with ledger.check(LAKE, TABLE_NAME) as check:
        second = Thread(target=check_again)
        second.start()
        second.join(0.3)  # it would have ended by then
        assert found == []
        check.record(CheckResult(CheckedVersion("id", 7)))
    second.join(seconds(10))
    assert found == [CheckedVersion("id", 7)]


def test_ledger_asks_again_where_its_idle_connection_was_cut(ledger: PostgresLedger, conn: Connection) -> None:
    note(ledger, "a")
    conn.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE usename = 'rh_sport_worker' AND datname = current_database()"
    )
    note(ledger, "b")
    assert tokens(conn) == {"a", "b"}


def test_postgres_that_was_never_migrated_is_named_as_such(ledger: PostgresLedger, conn: Connection) -> None:
    conn.execute("DROP TABLE ops.lake_commits")
    with pytest.raises(NotReady, match=r"no table ops\.lake_commits yet.*pipeline\.py"):
        note(ledger, "a")


def test_nothing_is_committed_while_an_intent_cannot_be_noted(store: TableStore, conn: Connection) -> None:
    conn.execute("DROP TABLE ops.lake_commits")
    with pytest.raises(NotReady):
        store.set_properties(*TABLE, {"cdc.note": "1"})
    assert store.latest_version(*TABLE) == 0


def test_fresh_lake_has_no_strangers_whoever_creates_its_first_table(database: Settings, tmp_path: Path) -> None:
    settings = database.model_copy(update={"lake_uri": str(tmp_path / "fresh")})
    with closing(Lease(settings, "stream")) as lease, writable_store(settings, "refresh") as store:
        lease.acquire()
        store.create(*TABLE, {"id": "int"})
        assert find_foreign_commits(store, TABLES) == []
        assert set(store.ledger.checked_versions(store.lake_id())) == {"silver/shoes"}  # type: ignore[union-attr]


def test_stranger_is_found_and_a_killed_writer_is_none(store: TableStore) -> None:
    store.begin_commit(*TABLE)  # killed before its commit
    store.set_properties(*TABLE, {"cdc.note": "1"})
    [own] = store.delta_table(*TABLE).history(1)
    assert find_foreign_commits(store, TABLES) == []
    for metadata in ({}, {"userMetadata": own["userMetadata"]}):
        copied = CommitProperties(custom_metadata=metadata)
        store.delta_table(*TABLE).alter.set_table_properties({"delta.appendOnly": "true"}, commit_properties=copied)
    assert [one.first_version for one in find_foreign_commits(store, TABLES)] == [2, 3]


def test_intents_of_a_restored_postgres_prove_nothing_after_a_resnapshot(store: TableStore, conn: Connection) -> None:
    assert find_foreign_commits(store, TABLES) == []
    store.set_properties(*TABLE, {"cdc.note": "1"})
    backup = conn.execute("SELECT token, lake_id, table_name, after_version, job FROM ops.lake_commits").fetchall()
    check_table(store, *TABLE)
    assert tokens(conn) == set()
    insert = """
        INSERT INTO ops.lake_commits (token, lake_id, table_name, after_version, job, noted_at)
        VALUES (%s, %s, %s, %s, %s, now() - interval '1 hour')
    """
    for row in backup:
        conn.execute(insert, row)
    accept_restored(store)
    assert tokens(conn) == set()


def test_reader_cannot_learn_a_token(database: Settings) -> None:
    with connect(as_login(database, READER_ROLE), autocommit=True) as conn:
        with pytest.raises(ProgrammingError, match="permission denied for table lake_commits"):
            conn.execute("SELECT token FROM ops.lake_commits")
        assert conn.execute("SELECT count(*) FROM ops.foreign_commits").fetchone() == (0,)
