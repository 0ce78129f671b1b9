"""The position of Bronze moves with messages, refilled gaps and the day, and with nothing else."""

from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from arro3.core import Array, DataType, Table
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake

from lakehouse.cdc.commit_log import REFILL_APP_ID
from lakehouse.cdc.offsets import TopicPartition
from lakehouse.cdc.table_store import TableStore
from lakehouse.contracts import RH_EMPLOYEES, STRAVA_ACTIVITIES
from lakehouse.refresh.bronze_position import PositionReader

WATCHED = (RH_EMPLOYEES, STRAVA_ACTIVITIES)
TODAY, TOMORROW = date(2026, 11, 30), date(2026, 12, 1)


class OpenedTables(TableStore):
    """A store that records each table that is opened."""

    opened: list[str]

    def delta_table(self, layer: str, name: str) -> DeltaTable:
        self.opened.append(f"{layer}/{name}")
        return super().delta_table(layer, name)


@pytest.fixture
def store(tmp_path: Path) -> TableStore:
    store = TableStore(str(tmp_path / "lake"))
    for contract in WATCHED:
        store.create_bronze(contract, {})
    return store


def append(store: TableStore, table: str, offsets: Sequence[int], *, refills: int | None = None) -> None:
    zeros = Array([0] * len(offsets), DataType.int32())
    rows: dict[str, Any] = {"incarnation": zeros, "partition": zeros, "offset": Array(offsets, DataType.int64())}
    properties = CommitProperties(app_transactions=[Transaction(REFILL_APP_ID, refills)] if refills else None)
    write_deltalake(
        store.path("bronze", table),
        Table.from_pydict(rows),
        mode="append",
        schema_mode="merge",
        commit_properties=properties,
    )


def test_position_moves_with_a_message_a_refilled_gap_and_the_day(store: TableStore) -> None:
    days = [TODAY, TODAY, TODAY, TODAY, TOMORROW]
    reader = PositionReader(store, WATCHED, lambda: days.pop(0))
    empty = reader.read()
    append(store, RH_EMPLOYEES.table, [0, 1, 5])
    moved = reader.read()
    assert moved.offsets == {RH_EMPLOYEES.table: {TopicPartition(0, 0): 5}, STRAVA_ACTIVITIES.table: {}}
    append(store, RH_EMPLOYEES.table, [2, 3, 4], refills=1)
    refilled = reader.read()
    assert refilled.offsets == moved.offsets
    assert all(earlier != later for earlier, later in pairwise([empty, moved, refilled]))
    assert reader.read() == refilled
    assert reader.read() != refilled


def test_position_stays_where_a_version_has_no_message(store: TableStore) -> None:
    reader = PositionReader(store, WATCHED, lambda: TODAY)
    for offset in range(4):
        append(store, RH_EMPLOYEES.table, [offset])
    before = reader.read()
    store.set_properties("bronze", RH_EMPLOYEES.table, {"lakehouse.lease": "7"})
    DeltaTable(store.path("bronze", RH_EMPLOYEES.table)).optimize.compact()
    DeltaTable(store.path("bronze", RH_EMPLOYEES.table)).create_checkpoint()
    assert reader.read() == before


def test_table_is_opened_only_where_its_log_has_grown(store: TableStore) -> None:
    recording = OpenedTables(store.root)
    object.__setattr__(recording, "opened", [])
    reader = PositionReader(recording, WATCHED, lambda: TODAY)
    reader.read()
    assert {*recording.opened} == {f"bronze/{contract.table}" for contract in WATCHED}
    recording.opened.clear()
    for _ in range(3):
        reader.read()
    assert recording.opened == []
    append(store, STRAVA_ACTIVITIES.table, [0])
    reader.read()
    assert {*recording.opened} == {f"bronze/{STRAVA_ACTIVITIES.table}"}


def test_lake_without_tables_has_a_position(tmp_path: Path) -> None:
    store = TableStore(str(tmp_path))
    reader = PositionReader(store, WATCHED, lambda: TODAY)
    assert reader.read().offsets == {contract.table: {} for contract in WATCHED}
    store.create_bronze(RH_EMPLOYEES, {})
    append(store, RH_EMPLOYEES.table, [0])
    assert reader.read().offsets[RH_EMPLOYEES.table] == {TopicPartition(0, 0): 0}
