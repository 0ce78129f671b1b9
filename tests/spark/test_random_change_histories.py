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

from lakehouse.cdc.time_travel import replay
from spark.change_histories import KEYS_PER_CASE, interleave, play_history
from spark.in_memory_engine import InMemoryEngine
from spark.messages import SHOES, Change

CASE_COUNT, BATCH_COUNT = 200, 3
SEEDS = st.lists(st.integers(0, 2**64 - 1), min_size=CASE_COUNT, max_size=CASE_COUNT, unique=True)
# The cases of a run are looked at one by one: the first that fails is named, and nothing is to be shrunk.
RUN_SETTINGS = settings(deadline=None, phases=[Phase.generate], database=None, suppress_health_check=[*HealthCheck])


@settings(RUN_SETTINGS, max_examples=1, derandomize=True)
@given(numbers=SEEDS)
def test_random_change_histories_end_in_the_postgres_state(spark: SparkSession, numbers: list[int]) -> None:
    assert_histories_match_postgres(spark, numbers, partitions=2)


@pytest.mark.long
@pytest.mark.parametrize("lanes", [1, 2])
@settings(RUN_SETTINGS, max_examples=8)
@given(numbers=SEEDS)
def test_more_random_change_histories_end_in_the_postgres_state(
    spark: SparkSession, lanes: int, numbers: list[int]
) -> None:
    assert_histories_match_postgres(spark, numbers, lanes)


def assert_histories_match_postgres(spark: SparkSession, seeds: list[int], partitions: int) -> None:
    rng = Random(seeds[0])
    histories = [play_history(case, number) for case, number in enumerate(seeds)]
    engine = InMemoryEngine(spark)
    messages = list(assign_partitions(interleave(histories, rng), partitions))
    batch_bounds = [0, *sorted(rng.sample(range(len(messages)), BATCH_COUNT - 1)), len(messages)]
    for start, end in pairwise(batch_bounds):
        engine.apply_batch(*messages[start:end])
    lake = lake_state(engine)
    for one in histories:
        expected = (one.silver, sorted(one.versions, key=repr), sorted(one.quarantined, key=repr))
        assert lake[one.case] == expected, f"{seeds[one.case]}: {one.messages}"
    replayed = {row.id: (row["size"], row.note) for row in replay(engine.versions, SHOES).collect()}
    assert replayed == {
        key: (row.size, row.note if row.note_known else None) for one in histories for key, row in one.rows.items()
    }
    assert engine.versions.where("id IS NULL").count() == sum(one.duplicate_count for one in histories)


def assign_partitions(changes: Iterable[Change], partitions: int) -> Iterator[Change]:
    """Half-way through, add partitions that take over some keys."""
    messages = list(changes)
    for number, change in enumerate(messages):
        yield replace(change, partition=(change.id or 0) % partitions if number > len(messages) // 2 else 0)


def lake_state(engine: InMemoryEngine) -> dict[int, tuple[Any, ...]]:
    """Give what the lake holds of each case: its rows, its versions and its refusals."""
    silver: defaultdict[int, dict[int, Any]] = defaultdict(dict)
    versions: defaultdict[int, list[Any]] = defaultdict(list)
    quarantined: defaultdict[int, list[Any]] = defaultdict(list)
    for key, row in engine.silver.items():
        silver[key // KEYS_PER_CASE][key] = row
    for row in engine.versions.where("id IS NOT NULL").collect():
        versions[row.id // KEYS_PER_CASE].append((row._op or "", row.id, row["size"], row.note, tuple(row._reasons)))
    for entry in engine.quarantined:
        key = int(entry["key"].removeprefix('{"id":').removesuffix("}"))
        quarantined[key // KEYS_PER_CASE].append((key, tuple(entry["reasons"]), entry["closed_by"]))
    return {
        case: (silver[case], sorted(versions[case], key=repr), sorted(quarantined[case], key=repr))
        for case in range(CASE_COUNT)
    }
