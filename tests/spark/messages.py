"""Builders: Debezium's messages for a small table, as Bronze holds them."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from lakehouse.cdc import tables
from lakehouse.cdc.contract import Contract, Rule
from spark.columns import ddl

SHOES = Contract(
    table="shoes",
    key=("id",),
    columns={"id": "int", "size": "int", "note": "string", "price": "decimal(12,2)"},
    rules=(Rule("size_negative", when="size < 0", says="pointure négative"),),
)
START = datetime(2026, 6, 1, tzinfo=timezone.utc)
Row = tuple[Any, ...]


@dataclass(frozen=True)
class Change:
    """One message: its operation, its key, and what follows from them unless said otherwise.

    Positions follow from the offset. `first_snapshot` is the LSN of the first snapshot that read the row, `ends` says
    that it was its last.
    """

    op: str | None
    id: int | None
    size: int | None = 40
    note: str | None = "n"
    price: str | None = "1.00"
    commit_seq: int | None = None
    lsn: int | None = None
    tx: int | None = 1
    incarnation: int = 0
    partition: int = 0
    first_snapshot: int | None = None
    ends: bool = False
    raw: str | None = None

    def row(self, offset: int) -> Row:
        after = {"id": self.id, "size": self.size, "note": self.note, "price": self.price}
        source = {"snapshot": "last" if self.ends else "true" if self.op == "r" else "false"}
        stated = {"op": self.op, "after": None if self.op in {"d", "t"} else after, "source": source}
        at = START + timedelta(minutes=offset)
        seq = offset * 10 if self.commit_seq is None else self.commit_seq
        lsn = seq + 1 if self.lsn is None else self.lsn
        # Its commit's, however often it is sent.
        committed_at = START + timedelta(minutes=seq / 10)
        return (
            self.op,
            None if self.id is None else json.dumps({"id": self.id}),
            self.raw or json.dumps(stated),
            None if self.first_snapshot else seq,
            self.first_snapshot or lsn,
            self.tx,
            committed_at,
            self.op == "r",
            SHOES.topic,
            self.incarnation,
            self.partition,
            offset,
            at,
            at,
        )


def insert(key: int, size: int | None = 40, **more: Any) -> Change:
    return Change("c", key, size, **more)


def put(key: int, size: int | None = 40, **more: Any) -> Change:
    return Change("u", key, size, **more)


def delete(key: int, **more: Any) -> Change:
    return Change("d", key, **more)


def bronze(spark: SparkSession, changes: Iterable[Change], first_offset: int = 0) -> DataFrame:
    """Give Bronze's rows for these changes, in the order of their offsets."""
    rows = [change.row(first_offset + number) for number, change in enumerate(changes)]
    return spark.createDataFrame(rows, ddl(tables.BRONZE))
