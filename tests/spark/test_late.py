"""An old change that arrives late in another partition changes nothing, and what was built without it is built anew."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from lakehouse.cdc.envelope import UNAVAILABLE
from spark.messages import delete, put
from spark.shoes import Shoes


@pytest.fixture
def shoes(spark: SparkSession, tmp_path: Path) -> Shoes:
    return Shoes(spark, tmp_path)


def test_an_update_that_arrives_after_the_delete_changes_nothing(shoes: Shoes) -> None:
    shoes.take(put(1, 41, commit_seq=10), put(2, 42, commit_seq=20))
    shoes.take(delete(1, commit_seq=40), put(2, 52, commit_seq=50))
    shoes.take(put(1, 43, partition=1, commit_seq=30), put(2, 32, partition=1, commit_seq=35))
    assert shoes.now() == {2: 52}
    assert shoes.lake.versions(shoes.contract).count() == 6


def test_a_value_left_out_is_that_of_the_late_change(shoes: Shoes) -> None:
    shoes.take(put(1, 41, note="first", commit_seq=10), put(1, 43, note=UNAVAILABLE, partition=1, commit_seq=30))
    shoes.take(put(1, 42, note="second", commit_seq=20))
    row = shoes.lake.silver(shoes.contract).first()
    assert row is not None
    assert (row["size"], row.note) == (43, "second")
