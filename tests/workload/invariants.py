"""The laws of the lake, each compared with what the record of a workload says; every difference is named."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.cdc.contract import Contract
from lakehouse.cdc.merge.silver import catch_up, reset_table
from lakehouse.cdc.time_travel import replay
from lakehouse.source import topics
from stack.cdc_harness import CdcHarness
from workload import lake_rows
from workload.committed_transactions import Transaction, state_after
from workload.executor import PostgresSnapshot
from workload.lake_rows import Message, find_differences
from workload.model import ChangePosition, TableModel, version_row

Differences = list[str]


def check_model_equals_postgres(
    harness: CdcHarness, committed: Sequence[Transaction], snapshots: Sequence[PostgresSnapshot]
) -> Differences:
    """See that the workload itself knows what it did, before it says anything of the lake."""
    return [
        f"after {snapshot.transaction_count} transactions: {difference}"
        for snapshot in snapshots
        for contract in harness.contracts
        for difference in find_differences(
            contract,
            state_after(committed[: snapshot.transaction_count])[contract.table],
            snapshot.state[contract.table],
        )
    ]


def check_bronze_equals_log(
    harness: CdcHarness, contract: Contract, table: TableModel, messages: Sequence[Message]
) -> Differences:
    """Compare offsets with Kafka's, and each key's operations with the record's, in their order."""
    end_offsets = _end_offsets(harness, contract)
    offsets = [(*message.topic_partition, message.offset) for message in messages]
    missing_counts = Counter((0, number, offset) for number, end in end_offsets.items() for offset in range(end))
    missing_counts.subtract(offsets)
    offset_errors = [
        f"{contract.table}: offset {place} is in Bronze {1 - n} times" for place, n in missing_counts.items() if n
    ]
    actual = {place: message.op for place, message in lake_rows.index_by_position(messages).items()}
    expected = {place: change.op for place, change in table.changes.items()}
    return offset_errors + [
        f"{contract.table} {place}: is {actual.get(place)}, should be {expected.get(place)}"
        for place in {**expected, **actual}
        if expected.get(place) != actual.get(place)
    ]


def check_silver_equals_postgres(harness: CdcHarness, contract: Contract, table: TableModel) -> Differences:
    return find_differences(contract, table.accepted, lake_rows.silver_by_key(harness, contract))


def check_quarantine(
    harness: CdcHarness, contract: Contract, table: TableModel, messages_by_position: Mapping[ChangePosition, Message]
) -> Differences:
    """Compare quarantine, entry by entry: the key, the reasons, and by what and when it was closed."""
    expected = {
        messages_by_position[place].offset: (
            place.key,
            refusal.op,
            refusal.reasons,
            refusal.resolution,
            messages_by_position[refusal.resolved_at].committed_at if refusal.resolved_at else None,
        )
        for place, refusal in table.refused.items()
    }
    entries = lake_rows.collect_rows(harness.lake.quarantine().where(F.col("table_name") == contract.table))
    actual = {
        row["offset"]: (
            lake_rows.parse_key(contract, row["key"]),
            row["op"],
            row["reasons"],
            row["resolution"],
            row["resolved_at"],
        )
        for row in entries
    }
    duplicates = [f"{contract.table}: {len(entries)} entries of {len(actual)} messages"] * (len(entries) != len(actual))
    return duplicates + [
        f"{contract.table}, offset {offset}: in quarantine {actual.get(offset)}, should be {expected.get(offset)}"
        for offset in {**expected, **actual}
        if expected.get(offset) != actual.get(offset)
    ]


def check_versions(
    harness: CdcHarness, contract: Contract, table: TableModel, messages_by_position: Mapping[ChangePosition, Message]
) -> Differences:
    """Compare each change's one version with its row; a TRUNCATE's deletes lie at the TRUNCATE's offset."""
    truncates = {message.offset for message in messages_by_position.values() if message.key is None}
    versions = lake_rows.collect_rows(harness.lake.versions(contract))
    counts = Counter((row["_offset"], row[contract.key[0]]) for row in versions)
    duplicates = [
        f"versions by offset, {contract.table} {place}: {count} rows" for place, count in counts.items() if count > 1
    ]
    actual = {row["_offset"]: row for row in versions if row["_offset"] not in truncates}
    expected = {
        messages_by_position[place].offset: version_row(change, contract.columns)
        for place, change in table.changes.items()
        if change.key is not None
    }
    return duplicates + [
        f"versions by offset, {difference}" for difference in find_differences(contract, expected, actual)
    ]


def check_time_travel(harness: CdcHarness, contract: Contract, snapshots: Sequence[PostgresSnapshot]) -> Differences:
    """Replay the versions that each snapshot saw, all of them in one query: the snapshot becomes part of the key."""
    versions = harness.lake.versions(contract)
    visible_versions = [
        versions.where(_is_visible_in(one)).withColumn("_seen", F.lit(n)) for n, one in enumerate(snapshots)
    ]
    replayed = lake_rows.collect_rows(
        replay(reduce(DataFrame.unionByName, visible_versions), replace(contract, key=("_seen", *contract.key)))
    )
    return [
        f"as seen after {one.transaction_count} transactions: {difference}"
        for n, one in enumerate(snapshots)
        for difference in find_differences(
            contract,
            one.state[contract.table],
            lake_rows.index_by_key(contract, [row for row in replayed if row["_seen"] == n]),
        )
    ]


def check_rebuild_is_identical(harness: CdcHarness, contract: Contract) -> Differences:
    """Rebuild the table's Silver from Bronze; every row and column of its three tables is as before."""
    before = _read_silver_tables(harness, contract)
    reset_table(harness.lake, contract)
    catch_up(harness.lake, contract, harness.lake.catalog.bronze_offsets(contract))
    after = _read_silver_tables(harness, contract)
    return [
        difference
        for name in before
        for difference in _describe_multiset_difference(f"{contract.table}, {name}", before[name], after[name])
    ]


def _read_silver_tables(harness: CdcHarness, contract: Contract) -> dict[str, list[dict[str, Any]]]:
    return {
        "rows": lake_rows.collect_rows(harness.lake.silver(contract)),
        "versions": lake_rows.collect_rows(harness.lake.versions(contract)),
        "quarantine": lake_rows.collect_rows(harness.lake.quarantine().where(F.col("table_name") == contract.table)),
    }


def _describe_multiset_difference(label: str, before: list[dict[str, Any]], after: list[dict[str, Any]]) -> Differences:
    """Name the rows that two multisets do not share, by what tells where they came from."""
    return [
        f"{label}: {what} {[row[name] for name in ('key', 'offset', '_op', '_offset') if name in row]}"
        for what, one, other in (("only incremental", before, after), ("only rebuilt", after, before))
        for row in _subtract_multiset(one, other)
    ]


def _subtract_multiset(minuend: list[dict[str, Any]], subtrahend: list[dict[str, Any]]) -> list[dict[str, Any]]:
    left = Counter(repr(row) for row in minuend) - Counter(repr(row) for row in subtrahend)
    return [next(row for row in minuend if repr(row) == text) for text in left.elements()]


def _is_visible_in(snapshot: PostgresSnapshot) -> Any:
    """Say which versions a snapshot saw; what the connector read at its start was there before any."""
    xid = F.col("_tx_id")
    return (F.col("_op") == "r") | (xid < snapshot.xmin) | ((xid < snapshot.xmax) & ~xid.isin(*snapshot.xip))


def _end_offsets(harness: CdcHarness, contract: Contract) -> dict[int, int]:
    with topics.consumer_session(harness.settings, [contract.topic]) as consumer:
        return {partition.partition: end for partition, end in topics.end_offsets(consumer).items()}
