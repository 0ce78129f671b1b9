"""A promoted standby has the same system identifier and another timeline: it is refused until acknowledged."""

from pathlib import Path

import pytest

from lakehouse.cdc.source_identity import Source, Topic, acknowledge_data_loss, create_bronze_tables
from lakehouse.cdc.source_timeline import TIMELINE_PROPERTY, ensure_same_timeline, record_timeline
from lakehouse.cdc.table_store import TableStore
from lakehouse.errors import SourceMismatch
from spark.messages import SHOES


def source(timeline: int) -> Source:
    return Source("42", {SHOES.topic: Topic(SHOES.topic, "first", {0: 0}, dict.fromkeys)}, timeline)


@pytest.fixture
def store(tmp_path: Path) -> TableStore:
    store = TableStore(str(tmp_path))
    create_bronze_tables(store, source(3), SHOES)
    return store


def test_timeline_of_bronze_is_that_of_its_creation_and_stays(store: TableStore) -> None:
    ensure_same_timeline(store, 3, SHOES)
    record_timeline(store, 4, SHOES)
    with pytest.raises(SourceMismatch, match=r"read from timeline 3 .* now writes timeline 4.*resnapshot\.py"):
        ensure_same_timeline(store, 4, SHOES)


def test_resnapshot_acknowledges_the_new_timeline(store: TableStore) -> None:
    acknowledge_data_loss(store, source(4), SHOES, lambda: 0)
    ensure_same_timeline(store, 4, SHOES)


def test_table_without_a_timeline_is_of_any_until_one_is_recorded(tmp_path: Path) -> None:
    store = TableStore(str(tmp_path))
    store.create_bronze(SHOES, {})
    ensure_same_timeline(store, 7, SHOES)
    assert TIMELINE_PROPERTY not in store.properties("bronze", SHOES.table)
    record_timeline(store, 7, SHOES)
    with pytest.raises(SourceMismatch):
        ensure_same_timeline(store, 8, SHOES)
