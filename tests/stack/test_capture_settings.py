"""Every setting that loses changes is found in a running Postgres, and its remedy, pasted, puts it right."""

from collections.abc import Iterator

import pytest

from lakehouse.settings import Settings
from lakehouse.source import topics
from lakehouse.source.capture_check import find_table_problems
from lakehouse.source.capture_settings import Finding
from lakehouse.source.postgres import Connection, connect

REPOSITORY_CONFIG = topics.read_connector_config()
CHANGES = {
    "replica identity of another index": (
        "ALTER TABLE distance_cache REPLICA IDENTITY USING INDEX "
        "distance_cache_origin_address_destination_address_travel_mo_key"
    ),
    "no replica identity": "ALTER TABLE distance_cache REPLICA IDENTITY NOTHING",
    "row filter": (
        "ALTER PUBLICATION rh_sport DROP TABLE distance_cache; "
        "ALTER PUBLICATION rh_sport ADD TABLE distance_cache WHERE (id > 0)"
    ),
    "column list": (
        "ALTER PUBLICATION rh_sport DROP TABLE distance_cache; "
        "ALTER PUBLICATION rh_sport ADD TABLE distance_cache (id, provider)"
    ),
    "not published": "ALTER PUBLICATION rh_sport DROP TABLE distance_cache",
    "another primary key": (
        "ALTER TABLE distance_cache DROP CONSTRAINT distance_cache_pkey CASCADE, ADD PRIMARY KEY (id, provider)"
    ),
    "no primary key": "ALTER TABLE distance_cache DROP CONSTRAINT distance_cache_pkey CASCADE",
}


@pytest.fixture
def conn(database: Settings) -> Iterator[Connection]:
    with connect(database, autocommit=True) as conn:
        yield conn


def problems(conn: Connection) -> list[Finding]:
    return find_table_problems(conn, REPOSITORY_CONFIG)


def test_database_of_initdb_has_every_needed_setting(conn: Connection) -> None:
    assert problems(conn) == []


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_changed_setting_of_a_table_is_found_and_its_remedy_puts_it_right(conn: Connection, change: str) -> None:
    conn.execute(change)
    found = problems(conn)
    assert {finding.table for finding in found} == {"public.distance_cache"}
    for finding in found:
        conn.execute(finding.remedy)
    assert problems(conn) == []


def test_publication_without_deletes_is_found_for_every_table(conn: Connection) -> None:
    conn.execute("ALTER PUBLICATION rh_sport SET (publish = 'insert, update')")
    found = problems(conn)
    assert {finding.table for finding in found} == set(topics.captured_tables(REPOSITORY_CONFIG))
    conn.execute(found[0].remedy)
    assert problems(conn) == []


def test_generated_column_outside_the_contract_is_no_problem_and_in_it_is_one(conn: Connection) -> None:
    conn.execute("ALTER TABLE distance_cache ADD provider_norm text GENERATED ALWAYS AS (lower(provider)) STORED")
    assert problems(conn) == []
    conn.execute("ALTER TABLE distance_cache DROP error_message")
    conn.execute("ALTER TABLE distance_cache ADD error_message text GENERATED ALWAYS AS (lower(provider)) STORED")
    [finding] = problems(conn)
    assert "error_message, which Postgres generates" in finding.problem


def test_missing_table_is_found(conn: Connection) -> None:
    conn.execute("DROP TABLE distance_cache CASCADE")
    assert [finding.problem for finding in problems(conn)] == ["Postgres has no such table"]
