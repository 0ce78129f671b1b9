"""Loading the same files again changes no row, so that no change event is emitted."""

from datetime import date
from pathlib import Path

from lakehouse.settings import Settings
from lakehouse.source.postgres import Connection, connect
from stack.hr_load import execute, fetch_all_tables, fetch_rows, load_hr_files
from support.hr_files import employee, practice, staff


def read_change_kinds(conn: Connection) -> list[str]:
    """Return the kinds of change (I, U, D, T) that the publication has emitted since the last call."""
    messages = conn.execute(
        "SELECT data FROM pg_logical_slot_get_binary_changes"
        "('idempotent_load', NULL, NULL, 'proto_version', '1', 'publication_names', 'rh_sport')"
    )
    kinds = [bytes(data[:1]).decode() for (data,) in messages]
    return [kind for kind in kinds if kind in "IUDT"]


def test_loading_the_same_files_twice_writes_no_row(database: Settings, tmp_path: Path) -> None:
    load_hr_files(database, tmp_path, staff(10), practice(1, "Judo"), practice(2, None), history_months=2)
    before = fetch_all_tables(database)
    load_hr_files(database, tmp_path, staff(10), practice(1, "Judo"), practice(2, None), history_months=2)
    load_hr_files(
        database, tmp_path, staff(10), practice(1, "Judo"), practice(2, None), effective_from=date(2026, 9, 1)
    )
    assert fetch_all_tables(database) == before
    assert len(before["strava_activities"]) > 0


def test_reload_emits_change_events_for_changed_rows_only(database: Settings, tmp_path: Path) -> None:
    load_hr_files(database, tmp_path, staff(10), practice(1, "Judo"))
    with connect(database, autocommit=True) as conn:
        conn.execute("SELECT pg_create_logical_replication_slot('idempotent_load', 'pgoutput')")
        try:
            load_hr_files(database, tmp_path, staff(10), practice(1, "Judo"))
            assert read_change_kinds(conn) == []
            load_hr_files(database, tmp_path, [*staff(9), employee(id=10, cp=30)], practice(1, "Boxe"))
            assert read_change_kinds(conn) == ["U", "U"]
            load_hr_files(database, tmp_path, staff(9), practice(1, "Boxe"))
            assert read_change_kinds(conn) == ["D"]
            load_hr_files(database, tmp_path, staff(8), practice(1, "Boxe"), effective_from=date(2026, 9, 1))
            assert read_change_kinds(conn) == ["U", "D"], "a leaver's row gets its effective date before the delete"
        finally:
            conn.execute("SELECT pg_drop_replication_slot('idempotent_load')")


def test_changed_row_is_valid_from_the_effective_date(database: Settings, tmp_path: Path) -> None:
    since = "SELECT id, valable_depuis FROM rh_employees ORDER BY id"
    load_hr_files(database, tmp_path, staff(2))
    assert fetch_rows(database, since) == [(1, None), (2, None)]
    load_hr_files(database, tmp_path, [employee(id=1, salaire=1), employee(id=2)], effective_from=date(2026, 9, 1))
    assert fetch_rows(database, since) == [(1, date(2026, 9, 1)), (2, None)]


def test_change_without_an_effective_date_clears_the_previous_one(database: Settings, tmp_path: Path) -> None:
    load_hr_files(database, tmp_path, [employee(salaire=1)], effective_from=date(2026, 9, 1))
    load_hr_files(database, tmp_path, [employee(salaire=2)])
    assert fetch_rows(database, "SELECT salaire_brut, valable_depuis FROM rh_employees") == [(2, None)]


def test_the_rules_are_seeded_once_and_never_overwritten(database: Settings, tmp_path: Path) -> None:
    load_hr_files(database, tmp_path, staff(1))
    seeded = fetch_rows(database, "SELECT bonus_rate::text, walk_limit_m, bike_limit_m, destination FROM reward_rules")
    assert seeded == [("0.0500", 15_000, 25_000, database.destination)]
    execute(database, "UPDATE reward_rules SET bonus_rate = 0.06")
    load_hr_files(database.model_copy(update={"destination": "ailleurs"}), tmp_path, staff(1))
    assert fetch_rows(database, "SELECT bonus_rate::text, destination FROM reward_rules") == [
        ("0.0600", database.destination)
    ]


def test_table_missing_from_an_old_volume_is_created(database: Settings, tmp_path: Path) -> None:
    execute(database, "DROP TABLE ops.distance_retry, distance_cache")
    load_hr_files(database, tmp_path, staff(1))
    assert fetch_rows(database, "SELECT count(*) FROM distance_cache") == [(0,)]
