"""Law: an offset that a table lacks or has twice is reported with the commits around it."""

import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest
from arro3.core import Array, DataType
from arro3.core import Table as Rows
from deltalake import DeltaTable, write_deltalake
from kafka.consumer.fetcher import ConsumerRecord

from chaos.delta_log import read_log
from chaos.offset_checker import (
    CheckedTable,
    OffsetFinding,
    bronze_table,
    check_table,
    explain_findings,
    versions_table,
)
from chaos.offset_ranges import format_ranges, to_ranges
from chaos.topic_offsets import describe_message
from lakehouse.cdc.offsets import TopicPartition
from spark.messages import SHOES

PARTITION_0, PARTITION_1 = TopicPartition(0, 0), TopicPartition(0, 1)
FIFTEEN_OFFSETS = {PARTITION_0: range(15)}


def append(table: CheckedTable, offsets: Iterable[int], topic_partition: TopicPartition = PARTITION_0) -> None:
    """Append a row for each offset, as one commit."""
    offset_list = [*offsets]
    columns = {
        "incarnation": Array([topic_partition.incarnation] * len(offset_list), DataType.int32()),
        "partition": Array([topic_partition.partition] * len(offset_list), DataType.int32()),
        "offset": Array(offset_list, DataType.int64()),
    }
    rows = Rows.from_pydict({f"{table.prefix}{name}": values for name, values in columns.items()})
    partition_columns = [f"{table.prefix}{name}" for name in ("incarnation", "partition")]
    write_deltalake(table.path, rows, mode="append", partition_by=partition_columns)


def commit_file(table: CheckedTable, version: int) -> Path:
    return table.path / "_delta_log" / f"{version:020}.json"


def describe_findings(table: CheckedTable, expected: Mapping[TopicPartition, range] = FIFTEEN_OFFSETS) -> list[str]:
    return [str(finding) for finding in check_table(table, expected)]


@pytest.fixture
def table(tmp_path: Path) -> CheckedTable:
    """Return Bronze with fifteen offsets, five in each commit."""
    created = bronze_table(tmp_path, SHOES)
    for start in (0, 5, 10):
        append(created, range(start, start + 5))
    return created


def test_offsets_become_the_fewest_ranges() -> None:
    assert to_ranges([7, 3, 8, 9, 3]) == [range(3, 4), range(7, 10)]
    assert format_ranges(to_ranges([7, 3, 8, 9])) == "3, 7–9"
    assert to_ranges([]) == []


def test_complete_table_has_no_findings(table: CheckedTable) -> None:
    assert check_table(table, FIFTEEN_OFFSETS) == []


def test_lost_add_action_is_reported_with_its_offsets_and_commits(table: CheckedTable) -> None:
    lost = commit_file(table, 1)
    actions = [line for line in lost.read_text().splitlines() if "add" not in json.loads(line)]
    lost.write_text("\n".join(actions))
    [finding] = check_table(table, FIFTEEN_OFFSETS)
    assert finding == OffsetFinding(table, PARTITION_0, "missing", [range(5, 10)])
    lines = [line.strip() for line in explain_findings([finding])]
    assert lines[0] == "bronze/shoes, incarnation 0, partition 0: 5 offsets missing: 5–9"
    assert [line.split()[:2] for line in lines if line.startswith("version")] == [
        ["version", str(n)] for n in (0, 1, 2)
    ]
    assert any(line.startswith("adds 0–4, 5 rows, in the table") for line in lines)
    assert any(line.startswith("adds 10–14, 5 rows, in the table") for line in lines)


def test_commit_hidden_behind_a_checkpoint_is_reported_as_lost(table: CheckedTable) -> None:
    """An append overwrites a compaction's commit after its checkpoint, as by a log store that renames files."""
    appended = json.loads(commit_file(table, 2).read_text().splitlines()[-1])["add"]
    log = DeltaTable(table.path)
    log.optimize.compact()
    log.create_checkpoint()
    table.archive.mkdir(parents=True)
    shutil.copy(commit_file(table, 3), table.archive / f"{3:020}.1.json")
    stats = {**json.loads(appended["stats"]), "minValues": {"offset": 15}, "maxValues": {"offset": 19}}
    overwriting_actions = [
        {"commitInfo": {"operation": "WRITE", "engineInfo": "Apache-Spark", "timestamp": 0}},
        {"add": {**appended, "path": "lost.parquet", "stats": json.dumps(stats)}},
    ]
    commit_file(table, 3).write_text("\n".join(map(json.dumps, overwriting_actions)))
    shutil.copy(commit_file(table, 3), table.archive / f"{3:020}.2.json")
    append(table, range(20, 25))

    [finding] = check_table(table, {PARTITION_0: range(25)})
    assert finding.ranges == [range(15, 20)]
    text = "\n".join(explain_findings([finding]))
    assert "OPTIMIZE by delta-rs" in text
    assert (
        "version 3 1970-01-01T00:00:00.000+00:00 WRITE by Apache-Spark: 1 files added, 0 removed, written over" in text
    )
    assert "adds 15–19, 5 rows, LOST" in text


def test_duplicate_offsets_are_reported_with_both_commits(table: CheckedTable) -> None:
    append(table, [3, 4])
    [finding] = check_table(table, FIFTEEN_OFFSETS)
    assert (finding.kind, finding.ranges) == ("doubled", [range(3, 5)])
    lines = [line.strip() for line in explain_findings([finding])]
    assert any(line.startswith("adds 0–4") for line in lines)
    assert any(line.startswith("adds 3–4") for line in lines)


def test_missing_offset_inside_a_compacted_file_is_reported(tmp_path: Path) -> None:
    table = bronze_table(tmp_path, SHOES)
    append(table, [0, 1])
    append(table, [3, 4])
    DeltaTable(table.path).optimize.compact()
    log = read_log(table.path)
    assert log.file_status(log.commits[0].added_files[0].path) == "removed by version 2"
    assert [(file.first_offset, file.last_offset, file.row_count) for file in log.commits[2].added_files] == [(0, 4, 4)]
    assert describe_findings(table, {PARTITION_0: range(5)}) == [
        "bronze/shoes, incarnation 0, partition 0: 1 offsets missing: 2",
    ]


def test_unread_partition_is_reported_as_missing(table: CheckedTable) -> None:
    assert describe_findings(table, {**FIFTEEN_OFFSETS, PARTITION_1: range(2, 4)}) == [
        "bronze/shoes, incarnation 0, partition 1: 2 offsets missing: 2–3"
    ]


def test_offsets_beyond_the_expected_end_do_not_offset_missing_ones(table: CheckedTable) -> None:
    append(table, [20])
    assert describe_findings(table) == []
    assert describe_findings(table, {PARTITION_0: range(21)}) == [
        "bronze/shoes, incarnation 0, partition 0: 5 offsets missing: 15–19"
    ]


def test_versions_table_may_repeat_an_offset_and_must_not_lack_one(tmp_path: Path) -> None:
    table = versions_table(tmp_path, SHOES)
    append(table, [0, 0, 0, 1, 3])
    assert describe_findings(table, {PARTITION_0: range(4)}) == [
        "silver/shoes_versions, incarnation 0, partition 0: 1 offsets missing: 2"
    ]


def test_a_message_is_described_without_its_values() -> None:
    value = json.dumps({"op": "u", "after": {"nom": "Mendes", "salaire_brut": 30_000}}).encode()
    fields = {**dict.fromkeys(ConsumerRecord._fields), "offset": 7, "timestamp": 1_780_315_200_000}
    line = describe_message(ConsumerRecord(**{**fields, "key": b'{"id":5}', "value": value}))
    assert line == f'offset 7: 2026-06-01T12:00:00.000+00:00, op u, {len(value)} bytes, key {{"id":5}}'
    assert "op ?, 0 bytes" in describe_message(ConsumerRecord(**fields))
