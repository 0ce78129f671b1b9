"""What a refresh rebuilds, computes again or stops for the foreign commits that it finds."""

import pytest

from lakehouse.cdc.commit_intents import ForeignCommit
from lakehouse.contracts import CAPTURED
from lakehouse.refresh.foreign_repair import ForeignFindings, describe_bronze

ALL_TABLES = [contract.table for contract in CAPTURED]


def findings(*tables: str) -> ForeignFindings:
    return ForeignFindings([ForeignCommit(table, "id", 3, 3, "WRITE by x, unnoted.") for table in tables])


@pytest.mark.parametrize(
    ("tables", "rebuilt"),
    [
        (["silver/rh_employees"], ["rh_employees"]),
        (["silver/rh_employees_versions"], ["rh_employees"]),
        (["silver/quarantine"], ALL_TABLES),
        (["gold/runs", "gold/prime_sportive"], []),
        (["bronze/rh_employees"], []),
        (["bronze/rh_employees", "silver/rh_employees"], []),
        (["bronze/rh_employees", "silver/quarantine"], [table for table in ALL_TABLES if table != "rh_employees"]),
    ],
)
def test_silver_is_rebuilt_unless_its_bronze_is_in_doubt(tables: list[str], rebuilt: list[str]) -> None:
    assert [contract.table for contract in findings(*tables).rebuilt_contracts()] == rebuilt


def test_silver_is_resolved_once_all_that_it_belongs_to_is_merged() -> None:
    found = findings("silver/rh_employees", "silver/quarantine")
    assert found.rebuilt_tables(ALL_TABLES) == ["quarantine", "rh_employees"]
    assert found.rebuilt_tables(["rh_employees"]) == ["rh_employees"]
    assert found.rebuilt_tables([]) == []
    assert findings("bronze/rh_employees", "silver/quarantine").rebuilt_tables(ALL_TABLES) == []


def test_bronze_stops_its_table_and_names_version_and_remedy() -> None:
    found = findings("bronze/rh_employees", "gold/wellbeing")
    assert (found.stopped_tables, found.gold_tables) == (frozenset(["rh_employees"]), frozenset(["wellbeing"]))
    [text] = describe_bronze(found)
    assert text.startswith("bronze/rh_employees has version 3: WRITE by x, unnoted. Nothing was merged from it.")
    assert "foreign_commits.py --accept bronze/rh_employees --why TEXT" in text
    assert "remove the folder bronze/rh_employees" in text
