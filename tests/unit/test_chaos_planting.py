"""The faults planted in a lake: each is what it claims to be, and nothing else of the table shows it."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from arro3.core import Array, DataType, Table
from deltalake import CommitProperties, DeltaTable, QueryBuilder, write_deltalake

from chaos.offset_checker import bronze_table, check_table
from chaos.planting import PLANTS, plant_both, plant_double, plant_foreign_commit, plant_forged_row, plant_hole
from lakehouse.cdc.offset_check import bronze_irregularities
from lakehouse.cdc.offsets import TopicPartition
from lakehouse.cdc.table_stats import row_count
from lakehouse.cdc.table_store import TableStore
from lakehouse.contracts import SPORT_ACTIVITIES, STRAVA_ACTIVITIES

TABLE = STRAVA_ACTIVITIES.table
PARTITION = TopicPartition(0, 0)
STAMP = '{"token": "of the last commit"}'


@pytest.fixture
def store(tmp_path: Path) -> TableStore:
    """Return a lake with ten messages in Bronze, in files of six and four."""
    store = TableStore(str(tmp_path))
    store.create_bronze(STRAVA_ACTIVITIES, {})
    for offsets in (range(6), range(6, 10)):
        rows = Table.from_pydict(
            {
                "topic": Array(["t"] * len(offsets), DataType.string()),
                "incarnation": Array([0] * len(offsets), DataType.int32()),
                "partition": Array([0] * len(offsets), DataType.int32()),
                "offset": Array([*offsets], DataType.int64()),
            }
        )
        write_deltalake(store.path("bronze", TABLE), rows, mode="append", schema_mode="merge")
    return store


@pytest.mark.parametrize(
    ("plant", "findings", "rows"),
    [
        (plant_hole, {"missing": 1}, 9),
        (plant_double, {"doubled": 1}, 11),
        (plant_both, {"missing": 1, "doubled": 1}, 10),
    ],
    ids=["hole", "double", "both"],
)
def test_planted_offsets_are_reported_by_the_comparison_with_kafka(
    plant: Callable[[TableStore], str], findings: dict[str, int], rows: int, store: TableStore
) -> None:
    assert TABLE in plant(store)
    checked = check_table(bronze_table(Path(store.root), STRAVA_ACTIVITIES), {PARTITION: range(10)})
    assert {finding.kind: finding.offsets for finding in checked} == findings
    assert row_count(store, "bronze", TABLE) == rows


def test_hole_is_a_gap_by_the_statistics(store: TableStore) -> None:
    plant_hole(store)
    assert str(bronze_irregularities(store, STRAVA_ACTIVITIES)) == "lacks partition 0, offsets 1 to 1"


def test_hole_with_a_double_is_hidden_from_the_statistics(store: TableStore) -> None:
    plant_both(store)
    assert bronze_irregularities(store, STRAVA_ACTIVITIES).is_regular


def test_planting_again_after_another_commit_takes_its_version(store: TableStore) -> None:
    plant_double(store)
    plant_double(store)
    assert row_count(store, "bronze", TABLE) == 12


def test_forged_row_has_the_stamp_of_the_last_commit(store: TableStore) -> None:
    path = store.path("gold", "prime_sportive")
    primes = """
        SELECT 1 AS employee_id, false AS eligible, CAST(0 AS DECIMAL(12, 2)) AS montant_prime
        UNION ALL SELECT 2, true, CAST(100 AS DECIMAL(12, 2))
    """
    stamp = CommitProperties(custom_metadata={"userMetadata": STAMP})
    write_deltalake(path, QueryBuilder().execute(primes).read_all(), commit_properties=stamp)
    plant_forged_row(store)
    table = DeltaTable(path)
    assert table.history(1)[0]["userMetadata"] == STAMP
    query = "SELECT employee_id, montant_prime FROM t ORDER BY employee_id"
    read = QueryBuilder().register("t", table).execute(query).read_all()
    assert read.column("montant_prime").to_pylist() == [Decimal(0), Decimal(1100)]


def test_foreign_commit_deletes_a_row_and_has_no_stamp(store: TableStore) -> None:
    store.create_silver(SPORT_ACTIVITIES)
    path = store.path("silver", SPORT_ACTIVITIES.table)
    people = Table.from_pydict(
        {"id": Array([7, 8], DataType.int32()), "pratique_sport": Array(["Judo", "Tennis"], DataType.string())}
    )
    write_deltalake(path, people, mode="append", schema_mode="merge")
    plant_foreign_commit(store)
    table = DeltaTable(path)
    assert row_count(store, "silver", SPORT_ACTIVITIES.table) == 1
    commit = Path(path) / "_delta_log" / f"{table.version():020}.json"
    [info] = [
        action["commitInfo"] for line in commit.read_text().splitlines() if "commitInfo" in (action := json.loads(line))
    ]
    assert info["operation"] == "DELETE"
    assert "userMetadata" not in info


def test_each_plant_has_its_name() -> None:
    assert set(PLANTS) == {"hole", "double", "both", "forged-row", "foreign-commit"}
