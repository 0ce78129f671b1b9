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
from pyspark.sql import DataFrame, SparkSession

from lakehouse.cdc import tables
from lakehouse.cdc.changes import net, read
from lakehouse.cdc.completion import completed, computed, needs_more
from lakehouse.cdc.examine import examine
from lakehouse.cdc.quarantine import closings, entries
from lakehouse.cdc.stale import told_before
from spark.histories import KEYS, history, woven
from spark.messages import SHOES, Change

CASES, BATCHES = 400, 3
NUMBERS = st.lists(st.integers(0, 2**64 - 1), min_size=CASES, max_size=CASES, unique=True)
# The cases of a run are looked at one by one: the first that fails is named, and nothing is to be shrunk.
RUN = settings(deadline=None, phases=[Phase.generate], database=None, suppress_health_check=[*HealthCheck])


class Engine:
    """The engine's pure part, batch after batch, with what it says to write."""

    def __init__(self, spark: SparkSession) -> None:
        columns = ", ".join(f"{name} {kind}" for name, kind in tables.versions(SHOES).items())
        self.versions = spark.createDataFrame([], columns)
        self.silver: dict[int, tuple[int, str]] = {}
        self.refused: list[dict[str, Any]] = []

    def take(self, messages: DataFrame) -> None:
        changes = computed(told_before(read(messages, SHOES), self.versions, SHOES))
        facts = examine(changes, SHOES)
        if needs_more(facts, begun=True):
            changes = completed(changes, facts, self.versions, SHOES)
        for row in net(changes, SHOES).collect():
            self.silver.pop(row.id, None)
            if row._op != "d":
                self.silver[row.id] = (row["size"], row.note)
        closed = {row.key: row.closed_by for row in closings(changes, SHOES).collect()}
        for entry in self.refused:
            entry["closed_by"] = entry["closed_by"] or closed.get(entry["key"])
        self.refused += [row.asDict() for row in entries(changes, SHOES).collect()]
        self.versions = computed(self.versions.unionByName(changes.select(*tables.versions(SHOES))))

    def held(self) -> dict[int, tuple[Any, ...]]:
        """Give what the lake holds of each case: its rows, its versions and its refusals."""
        silver: defaultdict[int, dict[int, Any]] = defaultdict(dict)
        versions: defaultdict[int, list[Any]] = defaultdict(list)
        refused: defaultdict[int, list[Any]] = defaultdict(list)
        for key, row in self.silver.items():
            silver[key // KEYS][key] = row
        for row in self.versions.where("id IS NOT NULL").collect():
            versions[row.id // KEYS].append((row._op or "", row.id, row["size"], row.note, tuple(row._reasons)))
        for entry in self.refused:
            key = int(entry["key"].removeprefix('{"id":').removesuffix("}"))
            refused[key // KEYS].append((key, tuple(entry["reasons"]), entry["closed_by"]))
        return {
            case: (silver[case], sorted(versions[case], key=repr), sorted(refused[case], key=repr))
            for case in range(CASES)
        }


@settings(RUN, max_examples=1, derandomize=True)
@given(numbers=NUMBERS)
def test_any_history_ends_as_postgres_did(spark: SparkSession, numbers: list[int]) -> None:
    ends_as_postgres_did(spark, numbers, lanes=2)


@pytest.mark.long
@pytest.mark.parametrize("lanes", [1, 2])
@settings(RUN, max_examples=10)
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
        rows = [change.row(offset) for change, offset in sent[start:end]]
        columns = ", ".join(f"{name} {kind}" for name, kind in tables.BRONZE.items())
        engine.take(spark.createDataFrame(rows, columns))
    held = engine.held()
    for one in histories:
        expected = (one.silver, sorted(one.versions, key=repr), sorted(one.refused, key=repr))
        assert held[one.case] == expected, f"{numbers[one.case]}: {one.sent}"
    assert engine.versions.where("id IS NULL").count() == sum(one.silent for one in histories)


def in_lanes(changes: Iterable[Change], lanes: int) -> Iterator[tuple[Change, int]]:
    """Give the changes with their offsets; half-way through, a partition is added and takes over some keys."""
    sent = list(changes)
    ends = [0] * lanes
    for number, change in enumerate(sent):
        lane = (change.id or 0) % lanes if number > len(sent) // 2 else 0
        yield replace(change, partition=lane), ends[lane]
        ends[lane] += 1
