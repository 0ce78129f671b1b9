"""Rows of tables, read by SQL in this process: for a few rows, and without a JVM."""

from collections.abc import Mapping
from typing import Any

from deltalake import QueryBuilder

from lakehouse.cdc.contract import Contract
from lakehouse.cdc.offsets import OffsetRange
from lakehouse.cdc.table_store import TableStore


def query_one(store: TableStore, query: str, **sources: tuple[str, str]) -> Mapping[str, Any]:
    """Return the first row of a SQL query over small tables, each given as alias=(layer, name)."""
    return query_rows(store, query, **sources)[0]


def query_rows(store: TableStore, query: str, **sources: tuple[str, str]) -> list[Mapping[str, Any]]:
    """Return the rows of a SQL query over small tables, each given as alias=(layer, name)."""
    result = _query(store, query, **sources)
    columns = {name: result.column(name).to_pylist() for name in result.schema.names}
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def offset_gaps(store: TableStore, name: str, offset_range: OffsetRange) -> list[tuple[int, int]]:
    """Return the gaps within a range of a Bronze table, as (first, last) offsets, by reading the range."""
    incarnation, partition = offset_range.topic_partition
    result = _query(
        store,
        f"""
        SELECT first, last FROM (
            SELECT "offset" + 1 AS first, LEAD("offset") OVER (ORDER BY "offset") - 1 AS last FROM stored
            WHERE incarnation = {incarnation} AND "partition" = {partition}
              AND "offset" BETWEEN {offset_range.first} AND {offset_range.last}
        ) WHERE last >= first
        """,  # noqa: S608 - of names and numbers of our own
        stored=("bronze", name),
    )
    return [*zip(result.column("first").to_pylist(), result.column("last").to_pylist(), strict=True)]


def kafka_timestamps(
    store: TableStore, contract: Contract, incarnation: int, offsets: Mapping[int, int]
) -> Mapping[int, int | None]:
    """Return the Kafka timestamp (ms) of Bronze's message at one offset per partition, by partition.

    Partitions whose message Bronze lacks are left out. Reads few rows.
    """
    predicate = " OR ".join(
        f'("partition" = {partition} AND "offset" = {offset})' for partition, offset in offsets.items()
    )
    result = _query(
        store,
        f"""
        SELECT "partition", CAST(kafka_timestamp AS BIGINT) / 1000 AS produced_at FROM stored
        WHERE incarnation = {incarnation} AND ({predicate})
        """,  # noqa: S608 - of names and numbers of our own
        stored=("bronze", contract.table),
    )
    return dict(zip(result.column("partition").to_pylist(), result.column("produced_at").to_pylist(), strict=True))


def _query(store: TableStore, query: str, **sources: tuple[str, str]) -> Any:
    """Return the result of a SQL query over tables, each given as alias=(layer, name)."""
    builder = QueryBuilder()
    for alias, (layer, name) in sources.items():
        builder.register(alias, store.delta_table(layer, name))
    return builder.execute(query).read_all()
