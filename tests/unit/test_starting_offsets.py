"""Law 9: Bronze continues at its last offset, and only if no offset in between is missing."""

from pathlib import Path

import pytest
from arro3.core import Array, DataType, Table
from deltalake import write_deltalake

from lakehouse.cdc.source_identity import (
    Source,
    StartingOffsets,
    Topic,
    acknowledge_data_loss,
    create_bronze_tables,
    ensure_not_rewound,
    ensure_resnapshot_is_ordered,
    resolve_starting_offsets,
)
from lakehouse.cdc.table_store import TableStore
from lakehouse.errors import SourceMismatch
from spark.messages import SHOES

PRODUCED_AT = 1_780_000_000_000  # ms


def source(topic_id: str = "first", produced_at: int | None = PRODUCED_AT, **earliest: int) -> Source:
    """Return a source with one topic; keywords such as p0 are the earliest offsets of its partitions.

    `produced_at` is the timestamp of Bronze's last message in the topic, None where the topic lacks that message.
    """
    first = {int(name[1:]): at for name, at in earliest.items()}
    return Source(
        "42", {SHOES.topic: Topic(SHOES.topic, topic_id, first, lambda last: dict.fromkeys(last, produced_at))}
    )


@pytest.fixture
def store(tmp_path: Path) -> TableStore:
    """Return a lake that has read partition 0 up to offset 4, and the WAL up to LSN 900."""
    store = TableStore(str(tmp_path))
    create_bronze_tables(store, source(p0=0), SHOES)
    zeros = Array([0] * 5, DataType.int32())
    long = DataType.int64()
    positions = {"offset": Array([0, 1, 2, 3, 4], long), "lsn": Array([500, 600, 700, 800, 900], long)}
    timestamps = Array([PRODUCED_AT * 1000] * 5, long).cast(DataType.timestamp("us", tz="UTC"))
    rows = Table.from_pydict({"incarnation": zeros, "partition": zeros, **positions, "kafka_timestamp": timestamps})
    write_deltalake(store.path("bronze", "shoes"), rows, mode="append", schema_mode="merge")
    return store


def test_starting_offset_is_last_plus_one_and_zero_for_a_new_partition(store: TableStore) -> None:
    assert resolve_starting_offsets(store, source(p0=0, p1=0), SHOES) == StartingOffsets(0, {0: 5, 1: 0})


def test_offsets_deleted_after_they_were_read_are_no_error(store: TableStore) -> None:
    assert resolve_starting_offsets(store, source(p0=5), SHOES) == StartingOffsets(0, {0: 5})


def test_offsets_deleted_before_they_were_read_are_an_error_until_acknowledged(store: TableStore) -> None:
    expired = source(p0=8)
    with pytest.raises(SourceMismatch, match=r"no longer has the offsets 5 to 7.*resnapshot.py"):
        resolve_starting_offsets(store, expired, SHOES)
    acknowledge_data_loss(store, expired, SHOES, lambda: 900)
    assert resolve_starting_offsets(store, expired, SHOES) == StartingOffsets(0, {0: 8})
    with pytest.raises(SourceMismatch, match="offsets 8 to 8"):
        resolve_starting_offsets(store, source(p0=9), SHOES)


def test_recreated_topic_is_an_error_until_acknowledged_as_a_new_incarnation(store: TableStore) -> None:
    recreated = source("second", p0=0)
    with pytest.raises(SourceMismatch, match=r"deleted and made again.*resnapshot.py"):
        resolve_starting_offsets(store, recreated, SHOES)
    for _ in range(2):
        acknowledge_data_loss(store, recreated, SHOES, lambda: 900)
    assert resolve_starting_offsets(store, recreated, SHOES) == StartingOffsets(1, {0: 0})


@pytest.mark.parametrize(
    "produced_at",
    [pytest.param(None, id="shorter"), pytest.param(PRODUCED_AT + 1, id="reused")],
)
def test_truncated_topic_is_an_error_until_acknowledged_as_a_new_incarnation(
    store: TableStore, produced_at: int | None
) -> None:
    truncated = source(produced_at=produced_at, p0=2)
    with pytest.raises(SourceMismatch, match=r"partition 0 does not have the message at offset 4.*resnapshot.py"):
        resolve_starting_offsets(store, truncated, SHOES)
    with pytest.raises(SourceMismatch, match="make reset"):
        ensure_resnapshot_is_ordered(store, truncated, lambda: 899, SHOES)
    for _ in range(2):
        acknowledge_data_loss(store, truncated, SHOES, lambda: 900)
    assert resolve_starting_offsets(store, truncated, SHOES) == StartingOffsets(1, {0: 2})


def test_last_message_deleted_from_the_topic_is_not_checked(store: TableStore) -> None:
    assert resolve_starting_offsets(store, source(produced_at=None, p0=5), SHOES) == StartingOffsets(0, {0: 5})


def test_rewound_postgres_is_an_error_until_acknowledged(store: TableStore) -> None:
    def rewound_lsn() -> int:
        return 899

    with pytest.raises(SourceMismatch, match=r"up to 900; it ends at 899.*resnapshot.py"):
        ensure_not_rewound(store, rewound_lsn, SHOES)
    acknowledge_data_loss(store, source(p0=0), SHOES, rewound_lsn)
    ensure_not_rewound(store, rewound_lsn, SHOES)


def test_rewound_postgres_with_a_recreated_topic_cannot_be_resnapshotted(store: TableStore) -> None:
    with pytest.raises(SourceMismatch, match="make reset"):
        ensure_resnapshot_is_ordered(store, source("second", p0=0), lambda: 899, SHOES)
    ensure_resnapshot_is_ordered(store, source("second", p0=0), lambda: 900, SHOES)
    ensure_resnapshot_is_ordered(store, source(p0=0), lambda: 899, SHOES)


def test_postgres_at_the_last_read_lsn_is_not_rewound(store: TableStore) -> None:
    ensure_not_rewound(store, lambda: 900, SHOES)


def test_acknowledging_without_a_problem_changes_no_table_property(store: TableStore) -> None:
    before = dict(store.properties("bronze", "shoes"))
    acknowledge_data_loss(store, source(p0=0), SHOES, lambda: 900)
    assert store.properties("bronze", "shoes") == before


def test_bronze_of_another_postgres_is_refused(store: TableStore) -> None:
    with pytest.raises(SourceMismatch, match="make reset"):
        create_bronze_tables(store, Source("43", source(p0=0).topics), SHOES)
