"""Law 5: a message that is no change of its table is quarantined with a reason and changes no row."""

import pytest
from pyspark.sql import SparkSession

from lakehouse.cdc.merge.silver import read_batch
from lakehouse.cdc.merge.validation import latest_per_key
from spark.messages import SHOES, Change, to_bronze_frame, update

UNDECODABLE_CHANGES = {
    "an upsert without a row": Change("u", 1, raw='{"op": "u"}'),
    "a row without its key": Change("c", 1, raw='{"op": "c", "after": {"size": 1, "note": null, "price": null}}'),
    "an unknown operation": Change("x", 1, raw='{"op": "x", "after": {"id": 1, "size": 1}}'),
    "a delete without a key": Change("d", None),
    "no envelope": Change(None, 1, raw='{"hello": "world"}'),
}


@pytest.mark.parametrize("message", UNDECODABLE_CHANGES.values(), ids=UNDECODABLE_CHANGES)
def test_undecodable_message_is_quarantined_and_changes_no_row(spark: SparkSession, message: Change) -> None:
    batch = read_batch(to_bronze_frame(spark, [update(2, 42), message]), SHOES)
    assert [row["_reasons"] for row in batch.changes.orderBy("_offset").collect()] == [[], ["message illisible"]]
    assert [row.id for row in latest_per_key(batch).collect()] == [2]
