"""Law: an offset that a table lacks, or has twice, is named with the commits around it."""

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
from chaos.offset_checker import OffsetFinding, Table, bronze, check, explain, versions
from chaos.offset_ranges import format_ranges, to_ranges
from chaos.topic_offsets import describe_message
from lakehouse.cdc.positions import Lane
from spark.messages import SHOES

LANE, ANOTHER = Lane(0, 0), Lane(0, 1)
FIFTEEN = {LANE: range(15)}


def append(table: Table, offsets: Iterable[int], lane: Lane = LANE) -> None:
    """Append a row for each offset, as one commit."""
    wanted = [*offsets]
    columns = {
        "incarnation": Array([lane.incarnation] * len(wanted), DataType.int32()),
        "partition": Array([lane.partition] * len(wanted), DataType.int32()),
        "offset": Array(wanted, DataType.int64()),
    }
    rows = Rows.from_pydict({f"{table.prefix}{name}": values for name, values in columns.items()})
    lanes = [f"{table.prefix}{name}" for name in ("incarnation", "partition")]
    write_deltalake(table.path, rows, mode="append", partition_by=lanes)


def commit_file(table: Table, version: int) -> Path:
    return table.path / "_delta_log" / f"{version:020}.json"


def checked(table: Table, expected: Mapping[Lane, range] = FIFTEEN) -> list[str]:
    return [str(one) for one in check(table, expected)]


@pytest.fixture
def table(tmp_path: Path) -> Table:
    """Give Bronze with fifteen offsets, five a commit."""
    made = bronze(tmp_path, SHOES)
    for start in (0, 5, 10):
        append(made, range(start, start + 5))
    return made


def test_offsets_become_the_fewest_ranges() -> None:
    assert to_ranges([7, 3, 8, 9, 3]) == [range(3, 4), range(7, 10)]
    assert format_ranges(to_ranges([7, 3, 8, 9])) == "3, 7–9"
    assert to_ranges([]) == []


def test_nothing_is_found_where_nothing_is_wrong(table: Table) -> None:
    assert check(table, FIFTEEN) == []


def test_an_add_that_is_taken_out_of_the_log_is_named_with_its_offsets_and_commits(table: Table) -> None:
    lost = commit_file(table, 1)
    actions = [line for line in lost.read_text().splitlines() if "add" not in json.loads(line)]
    lost.write_text("\n".join(actions))
    [found] = check(table, FIFTEEN)
    assert found == OffsetFinding(table, LANE, "missing", [range(5, 10)])
    lines = [line.strip() for line in explain([found])]
    assert lines[0] == "bronze/shoes, incarnation 0, partition 0: 5 offsets missing: 5–9"
    assert [line.split()[:2] for line in lines if line.startswith("version")] == [
        ["version", str(n)] for n in (0, 1, 2)
    ]
    assert any(line.startswith("adds 0–4, 5 rows, in the table") for line in lines)
    assert any(line.startswith("adds 10–14, 5 rows, in the table") for line in lines)


def test_a_commit_that_no_reader_sees_behind_a_checkpoint_is_told_as_lost(table: Table) -> None:
    """Write an append over a compaction that a checkpoint was made of, as a log store does that renames."""
    appended = json.loads(commit_file(table, 2).read_text().splitlines()[-1])["add"]
    log = DeltaTable(table.path)
    log.optimize.compact()
    log.create_checkpoint()
    table.archive.mkdir(parents=True)
    shutil.copy(commit_file(table, 3), table.archive / f"{3:020}.1.json")
    stats = {**json.loads(appended["stats"]), "minValues": {"offset": 15}, "maxValues": {"offset": 19}}
    stolen = [
        {"commitInfo": {"operation": "WRITE", "engineInfo": "Apache-Spark", "timestamp": 0}},
        {"add": {**appended, "path": "stolen.parquet", "stats": json.dumps(stats)}},
    ]
    commit_file(table, 3).write_text("\n".join(map(json.dumps, stolen)))
    shutil.copy(commit_file(table, 3), table.archive / f"{3:020}.2.json")
    append(table, range(20, 25))

    [found] = check(table, {LANE: range(25)})
    assert found.ranges == [range(15, 20)]
    text = "\n".join(explain([found]))
    assert "OPTIMIZE by delta-rs" in text
    assert (
        "version 3 1970-01-01T00:00:00.000+00:00 WRITE by Apache-Spark: 1 files added, 0 removed, written over" in text
    )
    assert "adds 15–19, 5 rows, LOST" in text


def test_what_was_appended_twice_is_named_with_both_commits(table: Table) -> None:
    append(table, [3, 4])
    [found] = check(table, FIFTEEN)
    assert (found.kind, found.ranges) == ("doubled", [range(3, 5)])
    lines = [line.strip() for line in explain([found])]
    assert any(line.startswith("adds 0–4") for line in lines)
    assert any(line.startswith("adds 3–4") for line in lines)


def test_a_compacted_file_is_told_to_hold_fewer_rows_than_its_ends_promise(tmp_path: Path) -> None:
    table = bronze(tmp_path, SHOES)
    append(table, [0, 1])
    append(table, [3, 4])
    DeltaTable(table.path).optimize.compact()
    log = read_log(table.path)
    assert log.file_status(log.commits[0].added[0].path) == "removed by version 2"
    assert [(file.first, file.last, file.rows) for file in log.commits[2].added] == [(0, 4, 4)]
    assert checked(table, {LANE: range(5)}) == [
        "bronze/shoes, incarnation 0, partition 0: 1 offsets missing: 2",
    ]


def test_a_partition_that_was_not_read_at_all_is_missing_as_a_whole(table: Table) -> None:
    assert checked(table, {**FIFTEEN, ANOTHER: range(2, 4)}) == [
        "bronze/shoes, incarnation 0, partition 1: 2 offsets missing: 2–3"
    ]


def test_what_came_after_the_look_at_kafka_makes_up_for_nothing(table: Table) -> None:
    append(table, [20])
    assert checked(table) == []
    assert checked(table, {LANE: range(21)}) == ["bronze/shoes, incarnation 0, partition 0: 5 offsets missing: 15–19"]


def test_a_version_may_have_several_rows_of_an_offset_and_none_may_be_without(tmp_path: Path) -> None:
    table = versions(tmp_path, SHOES)
    append(table, [0, 0, 0, 1, 3])
    assert checked(table, {LANE: range(4)}) == [
        "silver/shoes_versions, incarnation 0, partition 0: 1 offsets missing: 2"
    ]


def test_a_message_is_described_without_its_values() -> None:
    value = json.dumps({"op": "u", "after": {"nom": "Mendes", "salaire_brut": 30_000}}).encode()
    fields = {**dict.fromkeys(ConsumerRecord._fields), "offset": 7, "timestamp": 1_780_315_200_000}
    line = describe_message(ConsumerRecord(**{**fields, "key": b'{"id":5}', "value": value}))
    assert line == f'offset 7: 2026-06-01T12:00:00.000+00:00, op u, {len(value)} bytes, key {{"id":5}}'
    assert "op ?, 0 bytes" in describe_message(ConsumerRecord(**fields))
