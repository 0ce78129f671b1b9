"""Builders of Debezium's messages for a small table, as rows of Bronze."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from lakehouse.cdc import schemas
from lakehouse.cdc.contract import Rule
from lakehouse.contracts.company import captured_table
from spark.columns import to_ddl

SHOES = captured_table(
    table="shoes",
    key=("id",),
    columns={"id": "int", "size": "int", "note": "string", "price": "decimal(12,2)"},
    rules=(Rule("size_negative", when="size < 0", message="pointure négative"),),
)
FIRST_COMMITTED_AT = datetime(2026, 6, 1, tzinfo=timezone.utc)
BronzeRow = tuple[Any, ...]


@dataclass(frozen=True)
class Change:
    """One message: its operation, its key, and defaults for everything else.

    The LSNs follow from the offset by default. `snapshot_lsn` is the LSN of the initial snapshot that read the row.
    `is_last_of_snapshot` marks the last row of a snapshot.
    """

    op: str | None
    id: int | None
    size: int | None = 40
    note: str | None = "n"
    price: str | None = "1.00"
    last_commit_lsn: int | None = None
    lsn: int | None = None
    tx: int | None = 1
    incarnation: int = 0
    partition: int = 0
    snapshot_lsn: int | None = None
    is_last_of_snapshot: bool = False
    raw: str | None = None

    def to_bronze_row(self, offset: int) -> BronzeRow:
        after = {"id": self.id, "size": self.size, "note": self.note, "price": self.price}
        source = {"snapshot": "last" if self.is_last_of_snapshot else "true" if self.op == "r" else "false"}
        envelope = {"op": self.op, "after": None if self.op in {"d", "t"} else after, "source": source}
        moment = FIRST_COMMITTED_AT + timedelta(minutes=offset)
        commit_lsn = offset * 10 if self.last_commit_lsn is None else self.last_commit_lsn
        lsn = commit_lsn + 1 if self.lsn is None else self.lsn
        # The time is the commit's: a redelivered message has the same one.
        committed_at = FIRST_COMMITTED_AT + timedelta(minutes=commit_lsn / 10)
        return (
            self.op,
            None if self.id is None else json.dumps({"id": self.id}),
            self.raw or json.dumps(envelope),
            None if self.snapshot_lsn else commit_lsn,
            self.snapshot_lsn or lsn,
            self.tx,
            committed_at,
            self.op == "r",
            SHOES.topic,
            self.incarnation,
            self.partition,
            offset,
            moment,
            moment,
        )


def insert(key: int, size: int | None = 40, **fields: Any) -> Change:
    return Change("c", key, size, **fields)


def update(key: int, size: int | None = 40, **fields: Any) -> Change:
    return Change("u", key, size, **fields)


def delete(key: int, **fields: Any) -> Change:
    return Change("d", key, **fields)


def to_bronze_frame(spark: SparkSession, changes: Iterable[Change], first_offset: int = 0) -> DataFrame:
    """Return the changes as rows of Bronze, with offsets from `first_offset` on."""
    rows = [change.to_bronze_row(first_offset + number) for number, change in enumerate(changes)]
    return spark.createDataFrame(rows, to_ddl(schemas.BRONZE))
