"""Messages that a person set aside for good, by their position. They lie beside Bronze, which has the messages.

Every merge honours them, a rebuild of Silver too: the change is refused, and the last accepted version stays.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from deltalake import QueryBuilder, write_deltalake

from lakehouse.cdc import schemas, table_query
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.offsets import TopicPartition
from lakehouse.cdc.table_store import TableStore

REFUSALS_TABLE = ("bronze", "refused_changes")
ARROW_TIMESTAMP = 'Timestamp(Microsecond, Some("UTC"))'


@dataclass(frozen=True)
class ManualRefusal:
    """A message that is set aside: its topic-partition, its offset, and the reason that a person gave."""

    topic_partition: TopicPartition
    offset: int
    why: str


def read_refusals(store: TableStore, contract: Contract) -> Sequence[ManualRefusal]:
    """Return the messages of a table that are set aside, in order."""
    if not store.exists(*REFUSALS_TABLE):
        return []
    rows = table_query.query_all(
        store,
        f"""
        SELECT incarnation, "partition", "offset", why FROM refused
        WHERE table_name = '{contract.table}' ORDER BY incarnation, "partition", "offset"
        """,  # noqa: S608 - of a name of our own
        refused=REFUSALS_TABLE,
    )
    return [
        ManualRefusal(TopicPartition(row["incarnation"], row["partition"]), row["offset"], row["why"]) for row in rows
    ]


def record_refusal(store: TableStore, contract: Contract, refusal: ManualRefusal, refused_at: datetime) -> None:
    """Set a message aside, in one noted commit; the next merge honours it."""
    store.create(*REFUSALS_TABLE, schemas.REFUSED_CHANGES)
    incarnation, partition = refusal.topic_partition
    row = QueryBuilder().execute(
        f"""
        SELECT {_literal(contract.table)} AS table_name, CAST({incarnation} AS INT) AS incarnation,
          CAST({partition} AS INT) AS "partition", CAST({refusal.offset} AS BIGINT) AS "offset",
          {_literal(refusal.why)} AS why,
          arrow_cast({_literal(refused_at.isoformat())}, '{ARROW_TIMESTAMP}') AS refused_at
        """
    )
    rows, commit = row.read_all(), store.begin_commit(*REFUSALS_TABLE)
    write_deltalake(store.path(*REFUSALS_TABLE), rows, mode="append", commit_properties=commit)


def _literal(text: str) -> str:
    """Return a text as a literal of DataFusion's SQL, in which a backslash is a character as any other."""
    return "'" + text.replace("'", "''") + "'"
