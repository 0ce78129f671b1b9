"""A message is set aside by its place, once and for good; what cannot be set aside is refused with what to do."""

from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import pytest
from arro3.core import Array, DataType, Table
from deltalake import write_deltalake

from lakehouse.cdc import commit_log
from lakehouse.cdc.manual_refusals import ManualRefusal, read_refusals
from lakehouse.cdc.offsets import TopicPartition
from lakehouse.cdc.table_store import TableStore
from lakehouse.errors import BadInput
from lakehouse.refresh.set_aside import MessageChoice, SetAside, set_aside
from spark.messages import SHOES

NOW = datetime(2026, 6, 1, tzinfo=timezone.utc)
MESSAGES = [(0, 0, 4, "u"), (0, 0, 5, "t"), (0, 1, 4, "u"), (0, 0, 6, "u"), (1, 0, 6, "d"), (0, 0, 7, None)]
Request = Callable[..., SetAside]


@pytest.fixture
def store(tmp_path: Path) -> TableStore:
    """Return a lake whose topic has two partitions and was made again, and whose Silver has merged nothing."""
    store = TableStore(str(tmp_path))
    store.create_bronze(SHOES, {})
    store.create_silver(SHOES)
    incarnations, partitions, offsets, operations = zip(*MESSAGES, strict=True)
    rows = Table.from_pydict(
        {
            "incarnation": Array(incarnations, DataType.int32()),
            "partition": Array(partitions, DataType.int32()),
            "offset": Array(offsets, DataType.int64()),
            "op": Array(operations, DataType.string()),
        }
    )
    write_deltalake(store.path("bronze", "shoes"), rows, mode="append", schema_mode="merge")
    return store


@pytest.fixture
def request_refusal(store: TableStore) -> Request:
    return lambda why="faux", **choice: set_aside(store, SHOES, MessageChoice(**choice), why, NOW)


def test_message_set_aside_is_read_again_with_its_reason_word_for_word(
    store: TableStore, request_refusal: Request
) -> None:
    why = 'l\'erreur "x" \\ ${a} -- é'
    assert request_refusal(why, offset=7) == SetAside(ManualRefusal(TopicPartition(0, 0), 7, why), was_merged=False)
    request_refusal(offset=4, partition=1)
    assert read_refusals(store, SHOES) == [
        ManualRefusal(TopicPartition(0, 0), 7, why),
        ManualRefusal(TopicPartition(0, 1), 4, "faux"),
    ]
    assert not commit_log.is_rebuild_requested(store, SHOES)


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"offset": 8}, "bronze/shoes has no message at offset 8"),
        ({"offset": 7, "partition": 1}, "bronze/shoes has no message at offset 7"),
        ({"offset": 4}, r"2 messages at offset 4\. Add: --partition 0 --incarnation 0, --partition 1 --incarnation 0"),
        ({"offset": 6, "partition": 0}, r"2 messages at offset 6\. Add: .*--partition 0 --incarnation 1"),
        ({"offset": 5}, r"offset 5 of bronze/shoes is a TRUNCATE.*resnapshot\.py"),
    ],
)
def test_message_that_cannot_be_set_aside_is_an_error_with_its_remedy(
    store: TableStore, request_refusal: Request, choice: dict[str, int], message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        request_refusal(**choice)
    assert read_refusals(store, SHOES) == []


def test_message_set_aside_twice_is_an_error_with_the_first_reason(request_refusal: Request) -> None:
    request_refusal("le premier", offset=6, partition=0, incarnation=1)
    with pytest.raises(BadInput, match="shoes, incarnation 1, partition 0, offset 6 is set aside already: le premier"):
        request_refusal("le second", offset=6, partition=0, incarnation=1)


def test_message_that_silver_has_merged_is_set_aside_by_a_rebuild(store: TableStore, request_refusal: Request) -> None:
    merged = Table.from_pydict(
        {
            "_incarnation": Array([0], DataType.int32()),
            "_partition": Array([0], DataType.int32()),
            "_offset": Array([6], DataType.int64()),
        }
    )
    write_deltalake(store.path("silver", "shoes_versions"), merged, mode="append", schema_mode="merge")
    assert not request_refusal(offset=7).was_merged
    assert not request_refusal(offset=4, partition=1).was_merged
    assert not commit_log.is_rebuild_requested(store, SHOES)
    assert request_refusal(offset=4, partition=0).was_merged
    assert commit_log.is_rebuild_requested(store, SHOES)
