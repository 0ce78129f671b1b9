"""Law 5: a message that is no change of its table is refused with a reason, and takes no part in what Silver holds."""

import pytest
from pyspark.sql import SparkSession

from lakehouse.cdc.changes import UNREADABLE, net, read
from spark.messages import SHOES, Change, bronze, put

MESSAGES = {
    "an upsert without a row": Change("u", 1, raw='{"op": "u"}'),
    "a row without its key": Change("c", 1, raw='{"op": "c", "after": {"size": 1, "note": null, "price": null}}'),
    "an operation nobody knows": Change("x", 1, raw='{"op": "x", "after": {"id": 1, "size": 1}}'),
    "a delete without a key": Change("d", None),
    "no envelope": Change(None, 1, raw='{"hello": "world"}'),
}


@pytest.mark.parametrize("message", MESSAGES.values(), ids=MESSAGES)
def test_it_is_refused_and_changes_nothing(spark: SparkSession, message: Change) -> None:
    judged = read(bronze(spark, [put(2, 42), message]), SHOES)
    assert [row._reasons for row in judged.orderBy("_offset").collect()] == [[], [UNREADABLE]]
    assert [row.id for row in net(judged, SHOES).collect()] == [2]
