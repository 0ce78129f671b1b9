"""Laws 2 to 5 over random histories: hundreds at once, in one partition or two, in batches cut anywhere."""

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
# A run checks its cases one after the other and names the first that fails, so there is nothing to shrink.
RUN_SETTINGS = settings(deadline=None, phases=[Phase.generate], database=None, suppress_health_check=[*HealthCheck])


@settings(RUN_SETTINGS, max_examples=1, derandomize=True)
@given(seeds=SEEDS)
def test_random_change_histories_end_in_the_postgres_state(spark: SparkSession, seeds: list[int]) -> None:
    """Take over 20 s: many histories, merged together in several batches, and replayed for the comparison."""
    assert_histories_match_postgres(spark, seeds, partitions=2)


@pytest.mark.long
@pytest.mark.parametrize("partitions", [1, 2])
@settings(RUN_SETTINGS, max_examples=8)
@given(seeds=SEEDS)
def test_more_random_change_histories_end_in_the_postgres_state(
    spark: SparkSession, partitions: int, seeds: list[int]
) -> None:
    assert_histories_match_postgres(spark, seeds, partitions)


def assert_histories_match_postgres(spark: SparkSession, seeds: list[int], partitions: int) -> None:
    rng = Random(seeds[0])
    histories = [play_history(case, seed) for case, seed in enumerate(seeds)]
    engine = InMemoryEngine(spark)
    messages = list(assign_partitions(interleave(histories, rng), partitions))
    batch_bounds = [0, *sorted(rng.sample(range(len(messages)), BATCH_COUNT - 1)), len(messages)]
    for start, end in pairwise(batch_bounds):
        engine.apply_batch(*messages[start:end])
    lake = lake_state(engine)
    for history in histories:
        expected = (history.silver, sorted(history.versions, key=repr), sorted(history.quarantined, key=repr))
        assert lake[history.case] == expected, f"{seeds[history.case]}: {history.messages}"
    replayed = {row.id: (row["size"], row.note) for row in replay(engine.versions, SHOES).collect()}
    assert replayed == {
        key: (row.size, row.note if row.note_known else None)
        for history in histories
        for key, row in history.rows.items()
    }
    assert engine.versions.where("id IS NULL").count() == sum(history.duplicate_count for history in histories)


def assign_partitions(changes: Iterable[Change], partitions: int) -> Iterator[Change]:
    """Yield the changes; from half-way on keys are spread over all partitions, as after partitions were added."""
    messages = list(changes)
    for number, change in enumerate(messages):
        yield replace(change, partition=(change.id or 0) % partitions if number > len(messages) // 2 else 0)


def lake_state(engine: InMemoryEngine) -> dict[int, tuple[Any, ...]]:
    """Return what the lake holds of each case: rows, versions and quarantine entries."""
    silver: defaultdict[int, dict[int, Any]] = defaultdict(dict)
    versions: defaultdict[int, list[Any]] = defaultdict(list)
    quarantined: defaultdict[int, list[Any]] = defaultdict(list)
    for key, row in engine.silver.items():
        silver[key // KEYS_PER_CASE][key] = row
    for row in engine.versions.where("id IS NOT NULL").collect():
        versions[row.id // KEYS_PER_CASE].append(
            (row["_op"] or "", row.id, row["size"], row.note, tuple(row["_reasons"]))
        )
    for entry in engine.quarantined:
        key = int(entry["key"].removeprefix('{"id":').removesuffix("}"))
        quarantined[key // KEYS_PER_CASE].append((key, tuple(entry["reasons"]), entry["resolution"]))
    return {
        case: (silver[case], sorted(versions[case], key=repr), sorted(quarantined[case], key=repr))
        for case in range(CASE_COUNT)
    }
