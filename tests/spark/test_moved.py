"""A changed key takes along the values that its change left out, as often as it changes and in whatever batches."""

import pytest
from pyspark.sql import SparkSession

from lakehouse.cdc.envelope import UNAVAILABLE
from spark.engine import Engine
from spark.messages import Change, delete, put

LONG = "kept out of line"


def moved(start: int, end: int, lsn: int) -> list[Change]:
    return [delete(start, lsn=lsn), Change("c", end, 40, UNAVAILABLE, lsn=lsn)]


@pytest.mark.parametrize("cut", [3, *(pytest.param(cut, marks=pytest.mark.long) for cut in (1, 2, 5))])
def test_a_row_that_moves_twice_keeps_its_values(spark: SparkSession, cut: int) -> None:
    sent = [put(1, note=LONG, lsn=1), *moved(1, 11, 2), put(1, note="another", lsn=3), *moved(11, 12, 4)]
    engine = Engine(spark)
    engine.take(*sent[:cut])
    engine.take(*sent[cut:])
    assert engine.silver == {12: (40, LONG), 1: (40, "another")}


def test_a_row_does_not_get_what_another_had_under_its_key(spark: SparkSession) -> None:
    engine = Engine(spark)
    engine.take(put(2, note="long gone", lsn=1), delete(2, lsn=2), Change("c", 2, 41, UNAVAILABLE, lsn=3))
    assert engine.silver == {}
    assert engine.refused[0]["reasons"] == ["valeur non transmise : note"]
    engine.take(put(2, 42, note="whole", lsn=4), put(2, 43, note=UNAVAILABLE, lsn=5))
    assert engine.silver == {2: (43, "whole")}
    assert engine.refused[0]["closed_by"] == "corrigé"
