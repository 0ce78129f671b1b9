"""What Debezium sends again after a crash is told once, also when it comes in a later refresh."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from lakehouse.cdc.silver import Caught
from spark.messages import put
from spark.shoes import Shoes


def test_a_refresh_is_silent_on_what_an_earlier_one_merged(spark: SparkSession, tmp_path: Path) -> None:
    shoes = Shoes(spark, tmp_path)
    first, second, refused = put(1, 41, commit_seq=10), put(1, 42, commit_seq=20), put(2, -2, commit_seq=30)
    shoes.take(first, second, refused)
    assert shoes.take(first, second, refused, put(3, 43, commit_seq=40)) == Caught("shoes", 4, 0, 1)
    assert shoes.now() == {1: 42, 3: 43}
    assert len(shoes.refused()) == 1
    assert shoes.lake.versions(shoes.contract).where("id IS NOT NULL").count() == 4
    assert shoes.take() == Caught("shoes")


@pytest.mark.long
def test_what_a_restored_postgres_writes_over_its_old_numbers_is_another_change(
    spark: SparkSession, tmp_path: Path
) -> None:
    shoes = Shoes(spark, tmp_path)
    shoes.take(put(1, 41, commit_seq=40, lsn=45, tx=9))
    shoes.take(put(1, 42, commit_seq=30, lsn=45, tx=9))
    assert shoes.now() == {1: 42}
