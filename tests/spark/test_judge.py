"""The judge of a storm sees what it is there to see: messages that Bronze has not, and those that it has twice."""

from pathlib import Path

from pyspark.sql import SparkSession

from chaos.rows import Taken, taken_of
from spark.messages import bronze, put
from spark.shoes import Shoes


def test_what_bronze_lacks_and_what_it_has_twice_is_counted(spark: SparkSession, tmp_path: Path) -> None:
    shoes = Shoes(spark, tmp_path)
    shoes.arrive(put(1), put(2), put(3))
    assert taken_of(shoes.lake, shoes.contract, end=3) == Taken(3, lost=0, doubled=0)
    assert taken_of(shoes.lake, shoes.contract, end=5) == Taken(5, lost=2, doubled=0)
    shoes.lake.append(bronze(spark, [put(2), put(3)], 1), "bronze", "shoes")
    assert taken_of(shoes.lake, shoes.contract, end=3) == Taken(3, lost=0, doubled=2)


def test_what_comes_after_the_look_at_kafka_makes_up_for_nothing(spark: SparkSession, tmp_path: Path) -> None:
    shoes = Shoes(spark, tmp_path)
    shoes.lake.append(bronze(spark, [put(1), put(2)], 1), "bronze", "shoes")
    assert taken_of(shoes.lake, shoes.contract, end=2) == Taken(2, lost=1, doubled=0)
