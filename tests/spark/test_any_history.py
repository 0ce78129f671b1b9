"""Laws 2 to 5 over histories that nobody thought of: hundreds at once, in one lane or two, in batches cut anywhere."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from lakehouse.cdc.history import replay
from spark.engine import Engine
from spark.histories import KEYS, history, woven
from spark.messages import SHOES, Change

CASES, BATCHES = 200, 3
NUMBERS = st.lists(st.integers(0, 2**64 - 1), min_size=CASES, max_size=CASES, unique=True)
# The cases of a run are looked at one by one: the first that fails is named, and nothing is to be shrunk.
RUN = settings(deadline=None, phases=[Phase.generate], database=None, suppress_health_check=[*HealthCheck])


@settings(RUN, max_examples=1, derandomize=True)
@given(numbers=NUMBERS)
def test_any_history_ends_as_postgres_did(spark: SparkSession, numbers: list[int]) -> None:
    ends_as_postgres_did(spark, numbers, lanes=2)


@pytest.mark.long
@pytest.mark.parametrize("lanes", [1, 2])
@settings(RUN, max_examples=8)
@given(numbers=NUMBERS)
def test_any_other_history_does_too(spark: SparkSession, lanes: int, numbers: list[int]) -> None:
    ends_as_postgres_did(spark, numbers, lanes)


def ends_as_postgres_did(spark: SparkSession, numbers: list[int], lanes: int) -> None:
    rng = Random(numbers[0])
    histories = [history(case, number) for case, number in enumerate(numbers)]
    engine = Engine(spark)
    sent = list(in_lanes(woven(histories, rng), lanes))
    cuts = [0, *sorted(rng.sample(range(len(sent)), BATCHES - 1)), len(sent)]
    for start, end in pairwise(cuts):
        engine.take(*sent[start:end])
    found = held(engine)
    for one in histories:
        expected = (one.silver, sorted(one.versions, key=repr), sorted(one.refused, key=repr))
        assert found[one.case] == expected, f"{numbers[one.case]}: {one.sent}"
    replayed = {row.id: (row["size"], row.note) for row in replay(engine.versions, SHOES).collect()}
    assert replayed == {
        key: (row.size, row.note if row.told else None) for one in histories for key, row in one.rows.items()
    }
    assert engine.versions.where("id IS NULL").count() == sum(one.silent for one in histories)


def in_lanes(changes: Iterable[Change], lanes: int) -> Iterator[Change]:
    """Half-way through, add partitions that take over some keys."""
    sent = list(changes)
    for number, change in enumerate(sent):
        yield replace(change, partition=(change.id or 0) % lanes if number > len(sent) // 2 else 0)


def held(engine: Engine) -> dict[int, tuple[Any, ...]]:
    """Give what the lake holds of each case: its rows, its versions and its refusals."""
    silver: defaultdict[int, dict[int, Any]] = defaultdict(dict)
    versions: defaultdict[int, list[Any]] = defaultdict(list)
    refused: defaultdict[int, list[Any]] = defaultdict(list)
    for key, row in engine.silver.items():
        silver[key // KEYS][key] = row
    for row in engine.versions.where("id IS NOT NULL").collect():
        versions[row.id // KEYS].append((row._op or "", row.id, row["size"], row.note, tuple(row._reasons)))
    for entry in engine.refused:
        key = int(entry["key"].removeprefix('{"id":').removesuffix("}"))
        refused[key // KEYS].append((key, tuple(entry["reasons"]), entry["closed_by"]))
    return {
        case: (silver[case], sorted(versions[case], key=repr), sorted(refused[case], key=repr)) for case in range(CASES)
    }
