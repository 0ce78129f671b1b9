"""Settings that lose changes: each one is named with its table and with a remedy that can be pasted."""

from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from lakehouse.contracts import CAPTURED, DISTANCE_CACHE, STRAVA_ACTIVITIES
from lakehouse.settings import Settings
from lakehouse.source import topics
from lakehouse.source.capture_check import problems_by_table
from lakehouse.source.capture_settings import (
    OPERATIONS,
    Finding,
    TableSettings,
    compare_connector,
    compare_tables,
    unpublished_tables,
)
from lakehouse.source.connect_client import build_config

COLUMNS = (*DISTANCE_CACHE.columns,)
GOOD = TableSettings(
    table="public.distance_cache",
    exists=True,
    primary_key=("id",),
    primary_key_name="distance_cache_pkey",
    columns=(*COLUMNS, "label_norm"),
    generated_columns=("label_norm",),
    published_columns=COLUMNS,
    published_operations=OPERATIONS,
)
PUBLISH_AGAIN = (
    "BEGIN; ALTER PUBLICATION rh_sport DROP TABLE public.distance_cache; "
    "CALL public.capture('public.distance_cache'); COMMIT;"
)
CHANGE_CONTRACT = DISTANCE_CACHE.hints.change_contract
CONNECTOR = build_config(topics.read_connector_config(), Settings(db_capture_password=SecretStr("fictive")))


def compare(**changes: Any) -> list[Finding]:
    return compare_tables([replace(GOOD, **changes)], CAPTURED, "rh_sport")


@pytest.mark.parametrize("identity", ["d", "f"])
def test_table_with_the_needed_settings_has_no_finding(identity: str) -> None:
    assert compare(replica_identity=identity) == []


@pytest.mark.parametrize(
    ("changes", "problem", "remedy"),
    [
        ({"exists": False}, "Postgres has no such table", "python scripts/ETL_Full_Load/pipeline.py"),
        ({"replica_identity": "i"}, "USING INDEX", "ALTER TABLE public.distance_cache REPLICA IDENTITY DEFAULT;"),
        ({"replica_identity": "n"}, "NOTHING", "ALTER TABLE public.distance_cache REPLICA IDENTITY DEFAULT;"),
        ({"published_columns": None}, "lacks it", "CALL public.capture('public.distance_cache');"),
        (
            {"published_operations": ("insert", "update")},
            "does not publish delete, truncate",
            "ALTER PUBLICATION rh_sport SET (publish = 'insert, update, delete, truncate');",
        ),
        ({"row_filter": "(distance_m > 0)"}, "row filter", PUBLISH_AGAIN),
        (
            {"primary_key": (), "primary_key_name": None},
            "its primary key is missing",
            "ALTER TABLE public.distance_cache ADD PRIMARY KEY (id);",
        ),
        (
            {"primary_key": ("id", "provider")},
            "its primary key is id, provider, and its contract's key is id",
            "ALTER TABLE public.distance_cache DROP CONSTRAINT distance_cache_pkey, ADD PRIMARY KEY (id);",
        ),
        ({"published_columns": COLUMNS[:-1]}, "leaves out its column last_updated", PUBLISH_AGAIN),
        (
            {"published_columns": COLUMNS[:-1], "generated_columns": (COLUMNS[-1],)},
            "last_updated, which Postgres generates and does not publish",
            CHANGE_CONTRACT,
        ),
        (
            {"columns": COLUMNS[:-1], "published_columns": COLUMNS[:-1]},
            "it has no column last_updated",
            CHANGE_CONTRACT,
        ),
    ],
)
def test_setting_that_loses_changes_is_found_with_its_remedy(
    changes: dict[str, Any], problem: str, remedy: str
) -> None:
    [finding] = compare(**changes)
    assert finding.table == "public.distance_cache"
    assert problem in finding.problem
    assert finding.remedy == remedy
    assert remedy in str(finding)


def test_table_without_a_contract_may_have_any_key_and_columns() -> None:
    heartbeat = replace(GOOD, table="cdc.heartbeat", primary_key=("other",), columns=("id",), published_columns=("id",))
    assert compare_tables([heartbeat], CAPTURED, "rh_sport") == []
    [finding] = compare_tables([replace(heartbeat, replica_identity="i")], CAPTURED, "rh_sport")
    assert finding.table == "cdc.heartbeat"


def test_unpublished_tables_are_listed() -> None:
    assert unpublished_tables([GOOD, replace(GOOD, table="public.b", published_columns=None)]) == ["public.b"]


def test_other_settings_of_the_connector_are_named_without_their_values() -> None:
    running = {
        **CONNECTOR,
        "name": "rh_sport",
        "skipped.operations": "t",
        "transforms": "secret",
        "database.hostname": "h",
    }
    assert compare_connector({**CONNECTOR, "name": "rh_sport"}, CONNECTOR) == []
    [finding] = compare_connector(running, CONNECTOR, frozenset(["database.hostname"]))
    assert finding.table is None
    assert finding.problem == "the connector runs with other settings: skipped.operations, transforms"
    assert "secret" not in str(finding)
    [missing] = compare_connector(None, CONNECTOR)
    assert "no connector" in missing.problem


def test_finding_stops_its_own_table_and_one_of_the_connector_stops_all() -> None:
    of_table, of_heartbeat = Finding("public.distance_cache", "x", "y"), Finding("cdc.heartbeat", "x", "y")
    assert problems_by_table([of_table, of_heartbeat], CAPTURED) == {"distance_cache": [of_table]}
    of_all = Finding(None, "x", "y")
    assert set(problems_by_table([of_all], CAPTURED)) == {contract.table for contract in CAPTURED}
    assert problems_by_table([], [STRAVA_ACTIVITIES]) == {}
