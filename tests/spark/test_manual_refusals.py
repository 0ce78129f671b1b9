"""A message that a person set aside is refused by each merge and rebuild, and the last accepted version stays."""

from datetime import datetime, timezone

import pytest

from lakehouse.cdc.merge.silver import reset_table
from lakehouse.errors import SchemaMismatch
from lakehouse.reconcile.mvcc_snapshot import Snapshot
from lakehouse.reconcile.visibility import deviating_keys, visible_rows
from lakehouse.refresh.set_aside import MessageChoice, set_aside
from spark.messages import SHOES, Change, delete, insert, update
from spark.sample_lake import SampleLake

NOW = datetime(2026, 6, 1, tzinfo=timezone.utc)
REASON = ["écartée à la main : montre cassée"]


def refuse(sample_lake: SampleLake, offset: int) -> None:
    set_aside(sample_lake.store, SHOES, MessageChoice(offset), "montre cassée", NOW)


def test_message_set_aside_before_its_merge_is_quarantined_with_its_reason(sample_lake: SampleLake) -> None:
    sample_lake.merge(update(1, 41), update(2, 42))
    sample_lake.append_to_bronze(update(1, 51), update(2, 52))
    refuse(sample_lake, 2)
    assert sample_lake.merge().refused == 1
    assert sample_lake.silver_sizes() == {1: 41, 2: 52}
    assert sample_lake.quarantine_entries() == [('{"id":1}', REASON, None)]
    sample_lake.merge(update(1, 61))
    assert sample_lake.silver_sizes() == {1: 61, 2: 52}
    assert [by for _, _, by in sample_lake.quarantine_entries()] == ["corrigé"]


def test_message_set_aside_after_its_merge_is_undone_by_the_next_merge(sample_lake: SampleLake) -> None:
    sample_lake.merge(insert(1, 41), update(1, 51), insert(2, 42))
    refuse(sample_lake, 1)
    refuse(sample_lake, 2)
    assert sample_lake.merge().refused == 2
    assert sample_lake.silver_sizes() == {1: 41}
    assert sample_lake.quarantine_entries() == [('{"id":1}', REASON, None), ('{"id":2}', REASON, None)]


def test_message_set_aside_stays_so_over_a_rebuild_of_silver(sample_lake: SampleLake) -> None:
    sample_lake.append_to_bronze(update(1, 41), update(1, 51))
    refuse(sample_lake, 1)
    sample_lake.merge()
    reset_table(sample_lake.lake, SHOES)
    assert sample_lake.merge().changes == 2
    assert sample_lake.silver_sizes() == {1: 41}
    assert sample_lake.quarantine_entries() == [('{"id":1}', REASON, None)]


@pytest.mark.long
def test_messages_set_aside_no_longer_stop_the_table(sample_lake: SampleLake) -> None:
    sample_lake.append_to_bronze(*(update(key, price="secret") for key in range(20)))
    without_price = Change("u", 50, raw='{"op": "u", "after": {"id": 50, "size": 1, "note": null}}')
    with pytest.raises(SchemaMismatch, match="20 of 20 changes"):
        sample_lake.merge()
    refuse(sample_lake, 3)
    with pytest.raises(SchemaMismatch, match="price is in the contract"):
        sample_lake.merge(without_price)
    refuse(sample_lake, 20)
    assert sample_lake.merge().refused == 21
    assert sample_lake.silver_sizes() == {}
    assert sample_lake.quarantine_entries()[3][1] == [*REASON, "valeur d'un autre type : price"]


@pytest.mark.long
def test_delete_set_aside_leaves_its_row_and_reconciliation_leaves_its_key_out(sample_lake: SampleLake) -> None:
    sample_lake.append_to_bronze(update(1, 41), update(2, 42), delete(1), delete(2))
    refuse(sample_lake, 2)
    assert sample_lake.merge().refused == 1
    assert sample_lake.silver_sizes() == {1: 41}
    everything = Snapshot(wal_lsn=10_000, min_restart_lsn=10_000, xmax=50, xip=())
    keys = deviating_keys(sample_lake.lake, SHOES, everything)
    visible = visible_rows(sample_lake.lake, SHOES, everything, keys)
    assert visible.left_out is not None
    assert [row.id for row in visible.left_out.collect()] == [1]
    assert visible.rows().count() == 0


@pytest.mark.long
def test_truncate_after_a_delete_that_was_set_aside_deletes_the_row(sample_lake: SampleLake) -> None:
    sample_lake.append_to_bronze(update(1, 41), delete(1), Change("t", None))
    refuse(sample_lake, 1)
    sample_lake.merge()
    assert sample_lake.silver_sizes() == {}
    assert [by for _, _, by in sample_lake.quarantine_entries()] == ["supprimé"]
