"""Repair of a Bronze table that lacks offsets of its topic, or has some more than once (law 1)."""

from collections.abc import Mapping
from dataclasses import dataclass

from lakehouse.cdc.bronze import refill
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.duplicates import remove_duplicates
from lakehouse.cdc.gaps import Irregularities
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.offset_check import bronze_irregularities
from lakehouse.cdc.offsets import TopicPartition
from lakehouse.cdc.source_identity import Source, ends_of_earlier_incarnations, resolve_starting_offsets


@dataclass(frozen=True)
class RepairResult:
    """Outcome of a table's repair: what was found, the messages that were read again, and what remains wrong."""

    table: str
    found: Irregularities
    messages_refilled: int
    remaining: Irregularities


def repair_table(lake: Lake, contract: Contract, kafka: Mapping[str, str], source: Source) -> RepairResult:
    """Remove the duplicates of a Bronze table, then refill its gaps from the topic; read every offset before and after.

    A gap that a duplicate hid in the statistics shows once the duplicate is gone. Silver is rebuilt by the next
    refresh. Lost offsets at the very end are left to the stream, which reads them at its next start.
    The caller has the stream's lease, and has fenced the table. Raises SourceMismatch where the topic is another one.
    """
    store, incarnation = lake.store, resolve_starting_offsets(lake.store, source, contract).incarnation
    at_least = ends_of_earlier_incarnations(store, contract, incarnation)
    found = bronze_irregularities(store, contract, at_least=at_least, read_all=True)
    earliest_offsets = {
        TopicPartition(incarnation, partition): earliest
        for partition, earliest in source.topics[contract.topic].earliest_offsets.items()
    }
    remove_duplicates(lake, contract, found.duplicates, earliest_offsets)
    messages = refill(lake, contract, kafka, resolve_starting_offsets(store, source, contract))
    remaining = bronze_irregularities(store, contract, at_least=at_least, read_all=True)
    return RepairResult(contract.table, found, messages, remaining)
