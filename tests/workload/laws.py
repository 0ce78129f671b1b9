"""The laws of the lake, each compared with what the record of a workload says; every difference is named."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.cdc.contract import Contract
from lakehouse.cdc.history import replay
from lakehouse.cdc.silver import catch_up, start_over
from lakehouse.source import topics
from stack.lab import Bench
from workload import lake
from workload.expected import Place, Table, version
from workload.lake import Message, differences
from workload.record import Transaction, held
from workload.run import Seen

Differences = list[str]


def the_record_is_postgres(bench: Bench, committed: Sequence[Transaction], seen: Sequence[Seen]) -> Differences:
    """See that the workload itself knows what it did, before it says anything of the lake."""
    return [
        f"after {one.committed} transactions: {difference}"
        for one in seen
        for contract in bench.contracts
        for difference in differences(
            contract, held(committed[: one.committed])[contract.table], one.held[contract.table]
        )
    ]


def bronze_is_the_log(bench: Bench, contract: Contract, table: Table, found: Sequence[Message]) -> Differences:
    """Compare offsets with Kafka's, and each key's operations with the record's, in their order."""
    ends = _ends(bench, contract)
    offsets = [(*message.lane, message.offset) for message in found]
    gaps = Counter((0, number, offset) for number, end in ends.items() for offset in range(end))
    gaps.subtract(offsets)
    wrong = [f"{contract.table}: offset {place} is in Bronze {1 - n} times" for place, n in gaps.items() if n]
    there = {place: message.op for place, message in lake.placed(found).items()}
    said = {place: change.op for place, change in table.changes.items()}
    return wrong + [
        f"{contract.table} {place}: is {there.get(place)}, should be {said.get(place)}"
        for place in {**said, **there}
        if said.get(place) != there.get(place)
    ]


def silver_is_postgres(bench: Bench, contract: Contract, table: Table) -> Differences:
    return differences(contract, table.accepted, lake.silver(bench, contract))


def nothing_vanishes(bench: Bench, contract: Contract, table: Table, at: Mapping[Place, Message]) -> Differences:
    """Compare quarantine, entry by entry: the key, the reasons, and by what and when it was closed."""
    said = {
        at[place].offset: (
            place.key,
            refusal.op,
            refusal.reasons,
            refusal.closed_by,
            at[refusal.closed_at].committed_at if refusal.closed_at else None,
        )
        for place, refusal in table.refused.items()
    }
    entries = lake.rows(bench.lake.quarantine().where(F.col("table_name") == contract.table))
    there = {
        row["offset"]: (
            lake.key_in(contract, row["key"]),
            row["op"],
            row["reasons"],
            row["closed_by"],
            row["closed_at"],
        )
        for row in entries
    }
    twice = [f"{contract.table}: {len(entries)} entries of {len(there)} messages"] * (len(entries) != len(there))
    return twice + [
        f"{contract.table}, offset {offset}: in quarantine {there.get(offset)}, should be {said.get(offset)}"
        for offset in {**said, **there}
        if said.get(offset) != there.get(offset)
    ]


def versions_are_what_postgres_wrote(
    bench: Bench, contract: Contract, table: Table, at: Mapping[Place, Message]
) -> Differences:
    """Compare each change's one version with its row; a TRUNCATE's deletes lie at the TRUNCATE's offset."""
    truncates = {message.offset for message in at.values() if message.key is None}
    versions = lake.rows(bench.lake.versions(contract))
    counts = Counter((row["_offset"], row[contract.key[0]]) for row in versions)
    twice = [
        f"versions by offset, {contract.table} {place}: {count} rows" for place, count in counts.items() if count > 1
    ]
    there = {row["_offset"]: row for row in versions if row["_offset"] not in truncates}
    said = {
        at[place].offset: version(change, contract.columns)
        for place, change in table.changes.items()
        if change.key is not None
    }
    return twice + [f"versions by offset, {difference}" for difference in differences(contract, said, there)]


def the_past_is_what_it_was(bench: Bench, contract: Contract, seen: Sequence[Seen]) -> Differences:
    """Replay the versions that each snapshot saw, all of them in one query: the snapshot becomes part of the key."""
    versions = bench.lake.versions(contract)
    each = [versions.where(_sees(one)).withColumn("_seen", F.lit(n)) for n, one in enumerate(seen)]
    replayed = lake.rows(replay(reduce(DataFrame.unionByName, each), replace(contract, key=("_seen", *contract.key))))
    return [
        f"as seen after {one.committed} transactions: {difference}"
        for n, one in enumerate(seen)
        for difference in differences(
            contract,
            one.held[contract.table],
            lake.by_key(contract, [row for row in replayed if row["_seen"] == n]),
        )
    ]


def once_is_twice(bench: Bench, contract: Contract) -> Differences:
    """Rebuild the table's Silver from Bronze; every row and column of its three tables is as before."""
    before = _all_of(bench, contract)
    start_over(bench.lake, contract)
    catch_up(bench.lake, contract, bench.lake.catalog.taken_in(contract))
    after = _all_of(bench, contract)
    return [
        difference for name in before for difference in _apart(f"{contract.table}, {name}", before[name], after[name])
    ]


def _all_of(bench: Bench, contract: Contract) -> dict[str, list[dict[str, Any]]]:
    return {
        "rows": lake.rows(bench.lake.silver(contract)),
        "versions": lake.rows(bench.lake.versions(contract)),
        "quarantine": lake.rows(bench.lake.quarantine().where(F.col("table_name") == contract.table)),
    }


def _apart(where: str, before: list[dict[str, Any]], after: list[dict[str, Any]]) -> Differences:
    """Name the rows that two multisets do not share, by what tells where they came from."""
    return [
        f"{where}: {what} {[row[name] for name in ('key', 'offset', '_op', '_offset') if name in row]}"
        for what, one, other in (("only incremental", before, after), ("only rebuilt", after, before))
        for row in _without(one, other)
    ]


def _without(one: list[dict[str, Any]], other: list[dict[str, Any]]) -> list[dict[str, Any]]:
    left = Counter(repr(row) for row in one) - Counter(repr(row) for row in other)
    return [next(row for row in one if repr(row) == text) for text in left.elements()]


def _sees(one: Seen) -> Any:
    """Say which versions a snapshot saw; what the connector read at its start was there before any."""
    xid = F.col("_tx_id")
    return (F.col("_op") == "r") | (xid < one.xmin) | ((xid < one.xmax) & ~xid.isin(*one.running))


def _ends(bench: Bench, contract: Contract) -> dict[int, int]:
    with topics.following(bench.settings, [contract.topic]) as consumer:
        return {partition.partition: end for partition, end in topics.reachable(consumer).items()}
