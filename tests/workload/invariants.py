"""The laws of the lake as checks against a workload's committed transactions; each returns its differences."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.cdc import table_stats
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.merge.silver import catch_up, reset_table
from lakehouse.cdc.time_travel import replay
from lakehouse.source import topics
from lakehouse.spark.literals import lit
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
    """Compare the workload's own model with Postgres's snapshots, before the model is used to check the lake."""
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
    """Compare Bronze's offsets with Kafka's, and each key's operations with the committed changes, in order (law 1)."""
    end_offsets = _end_offsets(harness, contract)
    offsets = [(*message.topic_partition, message.offset) for message in messages]
    missing_counts = Counter((0, number, offset) for number, end in end_offsets.items() for offset in range(end))
    missing_counts.subtract(offsets)
    offset_errors = [
        f"{contract.table}: offset {offset} is in Bronze {1 - n} times" for offset, n in missing_counts.items() if n
    ]
    actual = {position: message.op for position, message in lake_rows.index_by_position(messages).items()}
    expected = {position: change.op for position, change in table.changes.items()}
    return offset_errors + [
        f"{contract.table} {position}: is {actual.get(position)}, should be {expected.get(position)}"
        for position in {**expected, **actual}
        if expected.get(position) != actual.get(position)
    ]


def check_silver_equals_postgres(harness: CdcHarness, contract: Contract, table: TableModel) -> Differences:
    """Compare Silver with the accepted rows of the model (law 2)."""
    return find_differences(contract, table.accepted, lake_rows.silver_by_key(harness, contract))


def check_quarantine(
    harness: CdcHarness, contract: Contract, table: TableModel, messages_by_position: Mapping[ChangePosition, Message]
) -> Differences:
    """Compare each quarantine entry's key, operation, reasons, subject and resolution with the model (law 5)."""
    expected = {
        messages_by_position[position].offset: (
            position.key,
            refusal.op,
            refusal.reasons,
            refusal.subject,
            refusal.resolution,
            messages_by_position[refusal.resolved_at].committed_at if refusal.resolved_at else None,
        )
        for position, refusal in table.refused.items()
    }
    entries = lake_rows.collect_rows(harness.lake.quarantine().where(F.col("table_name") == contract.table))
    actual = {
        row["offset"]: (
            lake_rows.parse_key(contract, row["key"]),
            row["op"],
            row["reasons"],
            row["subject"],
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
    """Compare each change with its version, of which there must be one.

    The deletes that a TRUNCATE implies are at its offset; only their uniqueness is checked.
    """
    truncates = {message.offset for message in messages_by_position.values() if message.key is None}
    versions = lake_rows.collect_rows(harness.lake.versions(contract))
    counts = Counter((row["_offset"], row[contract.key[0]]) for row in versions)
    duplicates = [
        f"versions by offset, {contract.table} {offset_and_key}: {count} rows"
        for offset_and_key, count in counts.items()
        if count > 1
    ]
    actual = {row["_offset"]: row for row in versions if row["_offset"] not in truncates}
    expected = {
        messages_by_position[position].offset: version_row(change, contract.columns)
        for position, change in table.changes.items()
        if change.key is not None
    }
    return duplicates + [
        f"versions by offset, {difference}" for difference in find_differences(contract, expected, actual)
    ]


def check_time_travel(harness: CdcHarness, contract: Contract, snapshots: Sequence[PostgresSnapshot]) -> Differences:
    """Compare each snapshot's rows with a replay of the versions visible in it.

    All snapshots are replayed in one query, with the snapshot's number as part of the key.
    """
    versions = harness.lake.versions(contract)
    visible_versions = [
        versions.where(_is_visible_in(snapshot)).withColumn("_snapshot", lit(n)) for n, snapshot in enumerate(snapshots)
    ]
    replayed = lake_rows.collect_rows(
        replay(reduce(DataFrame.unionByName, visible_versions), replace(contract, key=("_snapshot", *contract.key)))
    )
    return [
        f"visible after {snapshot.transaction_count} transactions: {difference}"
        for n, snapshot in enumerate(snapshots)
        for difference in find_differences(
            contract,
            snapshot.state[contract.table],
            lake_rows.index_by_key(contract, [row for row in replayed if row["_snapshot"] == n]),
        )
    ]


def check_rebuild_is_identical(harness: CdcHarness, contract: Contract) -> Differences:
    """Rebuild the table's Silver from Bronze, and compare its rows, versions and quarantine with before (law 4)."""
    before = _read_silver_tables(harness, contract)
    reset_table(harness.lake, contract)
    catch_up(harness.lake, contract, table_stats.bronze_offsets(harness.lake.store, contract))
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
    """Return a line for each row in only one of two multisets, with its key, offset and operation."""
    return [
        f"{label}: {side} {[row[name] for name in ('key', 'offset', '_op', '_offset') if name in row]}"
        for side, minuend, subtrahend in (("only incremental", before, after), ("only rebuilt", after, before))
        for row in _subtract_multiset(minuend, subtrahend)
    ]


def _subtract_multiset(minuend: list[dict[str, Any]], subtrahend: list[dict[str, Any]]) -> list[dict[str, Any]]:
    remaining = Counter(repr(row) for row in minuend) - Counter(repr(row) for row in subtrahend)
    return [next(row for row in minuend if repr(row) == text) for text in remaining.elements()]


def _is_visible_in(snapshot: PostgresSnapshot) -> Any:
    """Return the condition by which a version is visible in a snapshot; rows of the initial snapshot always are."""
    xid = F.col("_tx_id")
    return (F.col("_op") == "r") | (xid < snapshot.xmin) | ((xid < snapshot.xmax) & ~xid.isin(*snapshot.xip))


def _end_offsets(harness: CdcHarness, contract: Contract) -> dict[int, int]:
    with topics.consumer_session(harness.settings, [contract.topic]) as consumer:
        return {partition.partition: end for partition, end in topics.end_offsets(consumer).items()}
