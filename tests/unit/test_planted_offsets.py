"""Law 1 in Silver's versions, and the check of the checks: each planted gap and duplicate is reported."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from arro3.core import Array, DataType, Table
from deltalake import DeltaTable, write_deltalake

from chaos import planted_offsets
from chaos.offset_checker import bronze_table, versions_table
from chaos.planted_offsets import PlantedFault, find_unreported_faults, plant
from lakehouse.cdc.gaps import Irregularities
from lakehouse.cdc.offset_check import OffsetProblem, find_offset_problems, implied_rows, prove_offsets
from lakehouse.cdc.offsets import Duplicate, Gap, TopicPartition
from lakehouse.cdc.table_store import TableStore
from spark.messages import SHOES

PARTITION_0 = TopicPartition(0, 0)
VERSIONS = "silver/shoes_versions"


@pytest.fixture
def store(tmp_path: Path) -> TableStore:
    """Return a lake with eight messages in Bronze and in the versions, four in each commit."""
    store = TableStore(str(tmp_path))
    store.create_bronze(SHOES, {})
    store.create_silver(SHOES)
    for offsets in ([0, 1, 2, 3], [4, 5, 6, 7]):
        append(store, offsets)
        merge(store, offsets)
    return store


def rows(prefix: str, offsets: Sequence[int]) -> dict[str, Any]:
    zeros = Array([0] * len(offsets), DataType.int32())
    columns: dict[str, Any] = {"incarnation": zeros, "partition": zeros, "offset": Array(offsets, DataType.int64())}
    return {f"{prefix}{name}": values for name, values in columns.items()}


def append(store: TableStore, offsets: Sequence[int]) -> None:
    """Commit messages at these offsets to Bronze."""
    write_deltalake(
        store.path("bronze", "shoes"), Table.from_pydict(rows("", offsets)), mode="append", schema_mode="merge"
    )


def merge(store: TableStore, offsets: Sequence[int], ops: Sequence[str] = ()) -> None:
    """Commit versions at these offsets, by default those of updates."""
    operations = Array([*ops] or ["u"] * len(offsets), DataType.string())
    write_deltalake(
        store.path("silver", "shoes_versions"),
        Table.from_pydict({**rows("_", offsets), "_op": operations}),
        mode="append",
        schema_mode="merge",
    )


def findings(store: TableStore, **options: bool) -> list[str]:
    return [problem.finding for problem in find_offset_problems(store, SHOES, **options)]


def delete_data_files(store: TableStore, layer: str) -> None:
    for file in Path(store.root, layer).rglob("*.parquet"):
        file.unlink()


def test_complete_tables_have_no_problem(store: TableStore) -> None:
    assert findings(store) == findings(store, read_all=True) == []


def test_row_missing_from_the_versions_is_reported_with_its_remedy(store: TableStore) -> None:
    plant(versions_table(Path(store.root), SHOES), PlantedFault(PARTITION_0, missing=5))
    [problem] = find_offset_problems(store, SHOES)
    assert problem == OffsetProblem(
        VERSIONS, Irregularities([Gap(PARTITION_0, 5, 5)], [], {PARTITION_0: -1}), SHOES.hints.rebuild_silver
    )
    assert str(problem).startswith(f"{VERSIONS} lacks partition 0, offsets 5 to 5. Run python ")


def test_row_doubled_in_the_versions_is_reported(store: TableStore) -> None:
    merge(store, [4, 5])
    assert findings(store) == [f"{VERSIONS} has more than once partition 0, offsets 4 to 5"]


@pytest.mark.parametrize("op", ["u", "d", "t", "duplicate"])
def test_doubled_version_of_any_operation_is_reported(store: TableStore, op: str) -> None:
    append(store, [8])
    merge(store, [8, 8], [op, op])
    assert findings(store) == [f"{VERSIONS} has more than once partition 0, offsets 8 to 8"]


def test_deletes_that_a_truncate_implies_are_no_duplicates(store: TableStore) -> None:
    append(store, [8, 9])
    merge(store, [8, 8, 8, 9], ["t", "d", "d", "u"])
    assert findings(store) == findings(store, read_all=True) == []


def test_number_of_implied_rows_is_read_once_and_then_known(store: TableStore) -> None:
    append(store, [8, 9])
    merge(store, [8, 8, 8, 9], ["t", "d", "d", "u"])
    assert prove_offsets(store, SHOES) == []
    assert implied_rows(store.properties("silver", "shoes_versions")) == {PARTITION_0: 2}
    version = store.delta_table("silver", "shoes_versions").version()
    delete_data_files(store, "silver")
    assert prove_offsets(store, SHOES) == []
    assert store.delta_table("silver", "shoes_versions").version() == version


def test_duplicate_after_implied_rows_is_reported_and_not_stored(store: TableStore) -> None:
    append(store, [8])
    merge(store, [8, 8, 8], ["t", "d", "d"])
    prove_offsets(store, SHOES)
    merge(store, [3])
    [problem] = prove_offsets(store, SHOES)
    assert problem.irregularities.duplicates == [Duplicate(PARTITION_0, 3, 3)]
    assert implied_rows(store.properties("silver", "shoes_versions")) == {PARTITION_0: 2}


def test_gap_of_bronze_is_not_reported_of_the_versions_too(store: TableStore) -> None:
    append(store, [9])
    merge(store, [9])
    assert findings(store) == ["bronze/shoes lacks partition 0, offsets 8 to 8"]


def test_duplicate_of_bronze_is_not_reported_of_the_versions_too(store: TableStore) -> None:
    append(store, [4, 5])
    merge(store, [3, 4, 5])
    assert findings(store) == [
        "bronze/shoes has more than once partition 0, offsets 4 to 5",
        f"{VERSIONS} has more than once partition 0, offsets 3 to 3",
    ]


def test_end_that_bronze_lost_is_known_from_the_versions(store: TableStore) -> None:
    for offset in (6, 7):
        plant(bronze_table(Path(store.root), SHOES), PlantedFault(PARTITION_0, missing=offset))
    assert findings(store) == ["bronze/shoes lacks partition 0, offsets 6 to 7"]


def test_partition_that_bronze_lost_is_known_from_the_versions(store: TableStore) -> None:
    for offset in range(8):
        plant(bronze_table(Path(store.root), SHOES), PlantedFault(PARTITION_0, missing=offset))
    assert findings(store) == ["bronze/shoes lacks partition 0, offsets 0 to 7"]


def test_versions_that_are_behind_bronze_have_no_problem(store: TableStore) -> None:
    append(store, [8, 9])
    assert findings(store) == findings(store, read_all=True) == []


def test_gap_and_duplicate_in_one_file_are_reported_once_all_offsets_are_read(store: TableStore) -> None:
    plant(bronze_table(Path(store.root), SHOES), PlantedFault(PARTITION_0, missing=2, doubled=3))
    assert findings(store) == []
    assert findings(store, read_all=True) == [
        "bronze/shoes lacks partition 0, offsets 2 to 2, and has more than once partition 0, offsets 3 to 3"
    ]


@pytest.mark.parametrize("is_compacted", [False, True])
def test_each_planted_fault_is_reported_and_the_lake_is_left_alone(store: TableStore, is_compacted: bool) -> None:
    if is_compacted:
        for layer, name in (("bronze", "shoes"), ("silver", "shoes_versions")):
            DeltaTable(store.path(layer, name)).optimize.compact()
    assert find_unreported_faults(Path(store.root), [SHOES]) == []
    assert findings(store, read_all=True) == []


def test_check_that_reports_nothing_is_found_out(store: TableStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planted_offsets, "find_offset_problems", lambda *_, **__: [])
    unreported = find_unreported_faults(Path(store.root), [SHOES])
    assert len([line for line in unreported if "by its offsets" in line]) == 6
    monkeypatch.undo()
    monkeypatch.setattr(planted_offsets, "check_table", lambda *_: [])
    assert len(find_unreported_faults(Path(store.root), [SHOES])) == 5  # a doubled version is legitimate to it


def test_lake_without_offsets_proves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has 4 offsets"):
        find_unreported_faults(tmp_path, [SHOES])
