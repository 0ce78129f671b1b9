"""Setting one message of a table aside for good, whether Silver has merged it yet or not."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from lakehouse.cdc import commit_log, table_query, table_stats
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.manual_refusals import ManualRefusal, read_refusals, record_refusal
from lakehouse.cdc.merge.envelope import TRUNCATE
from lakehouse.cdc.offsets import TopicPartition
from lakehouse.cdc.table_store import TableStore
from lakehouse.contracts.company import RESNAPSHOT_HINT
from lakehouse.errors import BadInput


@dataclass(frozen=True)
class MessageChoice:
    """A message as a person names it: its offset, and the partition and incarnation where there are several."""

    offset: int
    partition: int | None = None
    incarnation: int | None = None


@dataclass(frozen=True)
class SetAside:
    """The message that is set aside now. `was_merged` is whether the next merge therefore rebuilds the table."""

    refusal: ManualRefusal
    was_merged: bool


def set_aside(store: TableStore, contract: Contract, choice: MessageChoice, why: str, refused_at: datetime) -> SetAside:
    """Set one message of a table aside for good; every later merge and rebuild refuses it, with this reason.

    Raises BadInput where Bronze has no such message or several. Raises it where the message has no row, or is set
    aside already.
    """
    topic_partition = _find_message(contract, choice, table_query.operations_at(store, contract, choice.offset))
    refusal = ManualRefusal(topic_partition, choice.offset, why)
    for earlier in read_refusals(store, contract):
        if (earlier.topic_partition, earlier.offset) == (refusal.topic_partition, refusal.offset):
            raise BadInput(f"{describe_position(contract, refusal)} is set aside already: {earlier.why}")
    merged_offsets = table_stats.silver_offsets(store, contract) if store.exists("silver", contract.table) else {}
    was_merged = merged_offsets.get(topic_partition, -1) >= choice.offset
    if was_merged:
        # First, so that a run killed before the record is followed by a rebuild for nothing, and not by none.
        commit_log.request_rebuild(store, contract)
    record_refusal(store, contract, refusal, refused_at)
    return SetAside(refusal, was_merged)


def describe_position(contract: Contract, refusal: ManualRefusal) -> str:
    """Return the table and the message's place in it."""
    incarnation, partition = refusal.topic_partition
    return f"{contract.table}, incarnation {incarnation}, partition {partition}, offset {refusal.offset}"


def _find_message(
    contract: Contract, choice: MessageChoice, operations: Mapping[TopicPartition, str | None]
) -> TopicPartition:
    """Return the topic-partition of the one message that a person means."""
    found = [
        topic_partition
        for topic_partition in sorted(operations)
        if choice.partition in {None, topic_partition.partition}
        and choice.incarnation in {None, topic_partition.incarnation}
    ]
    if not found:
        raise BadInput(
            f"bronze/{contract.table} has no message at offset {choice.offset} there. The offsets of refused changes "
            "stand in silver/quarantine. The message of a refresh that stopped has one too."
        )
    if len(found) > 1:
        places = ", ".join(f"--partition {partition} --incarnation {incarnation}" for incarnation, partition in found)
        raise BadInput(f"bronze/{contract.table} has {len(found)} messages at offset {choice.offset}. Add: {places}")
    if operations[found[0]] == TRUNCATE:
        raise BadInput(
            f"offset {choice.offset} of bronze/{contract.table} is a TRUNCATE, which has no row of its own, and cannot "
            f"be set aside. If Postgres has the rows: {RESNAPSHOT_HINT}"
        )
    return found[0]
