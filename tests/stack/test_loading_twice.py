"""Loading the same files again changes no row, so that no change event is emitted."""

from datetime import date
from pathlib import Path

import psycopg

from hr_files import employee, practice, staff
from lakehouse.settings import Settings
from lakehouse.source.postgres import connect
from stack.loading import everything, load, rows, run


def emitted(conn: psycopg.Connection) -> list[str]:
    """Give the kinds of change (I, U, D) that the publication has sent since it was last asked."""
    messages = conn.execute(
        "SELECT data FROM pg_logical_slot_get_binary_changes"
        "('once_is_twice', NULL, NULL, 'proto_version', '1', 'publication_names', 'rh_sport')"
    )
    kinds = [bytes(data[:1]).decode() for (data,) in messages]
    return [kind for kind in kinds if kind in "IUDT"]


def test_the_same_files_twice_write_nothing(database: Settings, tmp_path: Path) -> None:
    load(database, tmp_path, staff(10), practice(1, "Judo"), practice(2, None), history_months=2)
    before = everything(database)
    load(database, tmp_path, staff(10), practice(1, "Judo"), practice(2, None), history_months=2)
    load(database, tmp_path, staff(10), practice(1, "Judo"), practice(2, None), effective_from=date(2026, 9, 1))
    assert everything(database) == before
    assert len(before["strava_activities"]) > 0


def test_only_what_differs_emits_a_change(database: Settings, tmp_path: Path) -> None:
    load(database, tmp_path, staff(10), practice(1, "Judo"))
    with connect(database, autocommit=True) as conn:
        conn.execute("SELECT pg_create_logical_replication_slot('once_is_twice', 'pgoutput')")
        try:
            load(database, tmp_path, staff(10), practice(1, "Judo"))
            assert emitted(conn) == []
            load(database, tmp_path, [*staff(9), employee(id=10, cp=30)], practice(1, "Boxe"))
            assert emitted(conn) == ["U", "U"]
            load(database, tmp_path, staff(9), practice(1, "Boxe"))
            assert emitted(conn) == ["D"]
            load(database, tmp_path, staff(8), practice(1, "Boxe"), effective_from=date(2026, 9, 1))
            assert emitted(conn) == ["U", "D"], "a leaver's row says since when before it goes"
        finally:
            conn.execute("SELECT pg_drop_replication_slot('once_is_twice')")


def test_a_changed_row_holds_from_the_day_given(database: Settings, tmp_path: Path) -> None:
    since = "SELECT id, valable_depuis FROM rh_employees ORDER BY id"
    load(database, tmp_path, staff(2))
    assert rows(database, since) == [(1, None), (2, None)]
    load(database, tmp_path, [employee(id=1, salaire=1), employee(id=2)], effective_from=date(2026, 9, 1))
    assert rows(database, since) == [(1, date(2026, 9, 1)), (2, None)]


def test_a_change_without_a_day_does_not_keep_the_last_ones(database: Settings, tmp_path: Path) -> None:
    load(database, tmp_path, [employee(salaire=1)], effective_from=date(2026, 9, 1))
    load(database, tmp_path, [employee(salaire=2)])
    assert rows(database, "SELECT salaire_brut, valable_depuis FROM rh_employees") == [(2, None)]


def test_the_rules_are_seeded_once_and_never_overwritten(database: Settings, tmp_path: Path) -> None:
    load(database, tmp_path, staff(1))
    seeded = rows(database, "SELECT bonus_rate::text, walk_limit_m, bike_limit_m, destination FROM reward_rules")
    assert seeded == [("0.0500", 15_000, 25_000, database.destination)]
    run(database, "UPDATE reward_rules SET bonus_rate = 0.06")
    load(database.model_copy(update={"destination": "ailleurs"}), tmp_path, staff(1))
    assert rows(database, "SELECT bonus_rate::text, destination FROM reward_rules") == [
        ("0.0600", database.destination)
    ]


def test_a_table_that_an_old_volume_lacks_is_made(database: Settings, tmp_path: Path) -> None:
    run(database, "DROP TABLE ops.distance_retry, distance_cache")
    load(database, tmp_path, staff(1))
    assert rows(database, "SELECT count(*) FROM distance_cache") == [(0,)]
