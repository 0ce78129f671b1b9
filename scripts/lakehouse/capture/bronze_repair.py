"""Repair of Bronze under the stream's lease: its offsets are each there once afterwards (law 1)."""

from collections.abc import Sequence
from contextlib import closing

from lakehouse.capture.leased_lake import fence_bronze
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.offset_check import find_offset_problems
from lakehouse.cdc.repair import RepairResult, repair_table
from lakehouse.cdc.table_store import TableStore
from lakehouse.contracts.company import RESNAPSHOT_HINT, STOP_STREAM_HINT
from lakehouse.errors import LockHeld, OffsetMismatch
from lakehouse.kafka_login import spark_options
from lakehouse.settings import Settings
from lakehouse.source.lease import Lease
from lakehouse.source.source_check import ensure_source_not_rewound, read_source_identity
from lakehouse.spark.session import session


def describe_offset_problems(store: TableStore, contracts: Sequence[Contract]) -> list[str]:
    """Return a line for each irregular table of Bronze and of versions, from all offsets that they have."""
    return [str(problem) for contract in contracts for problem in find_offset_problems(store, contract, read_all=True)]


def repair_bronze(
    settings: Settings, store: TableStore, contracts: Sequence[Contract], timeout: float
) -> list[RepairResult]:
    """Repair the Bronze table of each contract.

    Raises LockHeld where a stream still has its lease after `timeout` seconds.
    """
    with closing(Lease(settings, "stream")) as lease:
        try:
            lease.acquire(timeout)
        except LockHeld as error:
            raise LockHeld(f"{error} {STOP_STREAM_HINT}") from error
        with session(settings, "refresh") as spark:
            results = repair_tables(settings, Lake(spark, store), lease, contracts)
        lease.release()
    return results


def repair_tables(settings: Settings, lake: Lake, lease: Lease, contracts: Sequence[Contract]) -> list[RepairResult]:
    """Fence and repair the Bronze table of each contract, as the holder of the stream's lease."""
    results = []
    for contract in contracts:
        leased_lake = fence_bronze(lake, lease, contract)
        source = read_source_identity(settings, [contract])
        ensure_source_not_rewound(settings, lake.store, [contract])
        results.append(repair_table(leased_lake, contract, spark_options(settings), source))
    return results


def describe_result(result: RepairResult) -> str:
    """Return what was repaired of a table, without the word for what remains."""
    if result.found.is_regular:
        return f"bronze/{result.table}: each offset is there once."
    return f"bronze/{result.table} {result.found}. Repaired: {result.messages_refilled} messages were read again."


def ensure_repaired(results: Sequence[RepairResult]) -> None:
    """Raise OffsetMismatch, with the remedy, where the topics no longer had what is missing."""
    if remaining := [
        f"bronze/{result.table} {result.remaining}" for result in results if not result.remaining.is_regular
    ]:
        raise OffsetMismatch(
            f"{'; '.join(remaining)}: the topic does not have it any more. {RESNAPSHOT_HINT} "
            "What is lost is then acknowledged."
        )
