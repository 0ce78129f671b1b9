"""An old change that arrives late in another partition changes nothing, and what was built without it is built anew."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from lakehouse.cdc.envelope import UNAVAILABLE
from spark.messages import delete, put
from spark.shoes import Shoes


@pytest.mark.long
def test_a_late_change_changes_nothing_but_what_was_left_out_since(spark: SparkSession, tmp_path: Path) -> None:
    shoes = Shoes(spark, tmp_path)
    shoes.take(put(1, 41, commit_seq=10), put(2, 42, commit_seq=20), put(3, 43, note="first", commit_seq=21))
    shoes.take(
        delete(1, commit_seq=40),
        put(2, 52, commit_seq=50),
        put(3, 53, note=UNAVAILABLE, partition=1, commit_seq=51),
    )
    shoes.take(
        put(1, 43, partition=1, commit_seq=30),
        put(2, 32, partition=1, commit_seq=35),
        put(3, 33, note="second", commit_seq=36),
    )
    rows = shoes.lake.silver(shoes.contract).collect()
    assert {(row.id, row["size"], row.note) for row in rows} == {(2, 52, "n"), (3, 53, "second")}
    assert shoes.lake.versions(shoes.contract).count() == 9
