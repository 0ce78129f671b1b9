"""Rows of tables, read by SQL in this process: for a few rows, and without a JVM."""

from collections.abc import Iterable, Mapping
from typing import Any

from deltalake import QueryBuilder

from lakehouse.cdc.contract import Contract
from lakehouse.cdc.gaps import RangeContent, join_ranges
from lakehouse.cdc.offsets import OffsetRange, TopicPartition
from lakehouse.cdc.table_store import TableStore


def query_one(store: TableStore, query: str, **sources: tuple[str, str]) -> Mapping[str, Any]:
    """Return the first row of a SQL query over small tables, each given as alias=(layer, name)."""
    return query_all(store, query, **sources)[0]


def query_all(store: TableStore, query: str, **sources: tuple[str, str]) -> list[Mapping[str, Any]]:
    """Return all rows of a SQL query over small tables, each given as alias=(layer, name)."""
    result = _query(store, query, **sources)
    names = result.schema.names
    return [
        dict(zip(names, values, strict=True))
        for values in zip(*(result.column(name).to_pylist() for name in names), strict=True)
    ]


def literals(values: Iterable[int | str]) -> str:
    """Return SQL's list of numbers and texts; NULL, which nothing equals, where there is none."""
    texts = (str(value) if isinstance(value, int) else "'{}'".format(value.replace("'", "''")) for value in values)
    return ", ".join(texts) or "NULL"


def operations_at(store: TableStore, contract: Contract, offset: int) -> Mapping[TopicPartition, str | None]:
    """Return the operation of Bronze's message at an offset, in each topic-partition that has one. Reads few rows."""
    rows = query_all(
        store,
        f'SELECT incarnation, "partition", op FROM stored WHERE "offset" = {offset}',  # noqa: S608 - of a number
        stored=("bronze", contract.table),
    )
    return {TopicPartition(row["incarnation"], row["partition"]): row["op"] for row in rows}


def read_offsets(
    store: TableStore, layer: str, name: str, column_prefix: str, offset_range: OffsetRange
) -> RangeContent:
    """Return what a table lacks of a range, and what it has more than once, by reading the range's offsets.

    `column_prefix` starts the columns' names: "" in Bronze, "_" in Silver's versions. The deletes that a message
    implies have its offset; they are no rows of another message.
    """
    incarnation, partition = offset_range.topic_partition
    offset = f'"{column_prefix}offset"'
    messages = "COUNT(*)"
    if column_prefix:
        others = """SUM(CASE WHEN "_op" = 'd' THEN 0 ELSE 1 END)"""
        messages = f"CASE WHEN {others} > 0 THEN {others} ELSE COUNT(*) END"
    result = _query(
        store,
        f"""
        SELECT position, messages, following FROM (
            SELECT {offset} AS position, {messages} AS messages, LEAD({offset}) OVER (ORDER BY {offset}) AS following
            FROM stored
            WHERE "{column_prefix}incarnation" = {incarnation} AND "{column_prefix}partition" = {partition}
              AND {offset} BETWEEN {offset_range.first} AND {offset_range.last}
            GROUP BY {offset}
        ) WHERE messages > 1 OR following > position + 1
        ORDER BY position
        """,  # noqa: S608 - of names and numbers of our own
        stored=(layer, name),
    )
    rows = [*zip(*(result.column(column).to_pylist() for column in ("position", "messages", "following")), strict=True)]
    return RangeContent(
        missing=[range(at + 1, following) for at, _, following in rows if following and following > at + 1],
        doubled=join_ranges(range(at, at + 1) for at, messages, _ in rows if messages > 1),
    )


def read_offset_ranges(store: TableStore, layer: str, name: str, column_prefix: str) -> list[OffsetRange]:
    """Return the smallest and the largest offset and the row count of each topic-partition, by reading all offsets."""
    position = f'"{column_prefix}incarnation", "{column_prefix}partition"'
    offset = f'"{column_prefix}offset"'
    result = _query(
        store,
        f"""
        SELECT {position}, MIN({offset}) AS first, MAX({offset}) AS last, COUNT({offset}) AS n
        FROM stored GROUP BY {position}
        """,  # noqa: S608 - of names of our own
        stored=(layer, name),
    )
    columns = (result.column(index).to_pylist() for index in range(5))
    return [
        OffsetRange(TopicPartition(incarnation, partition), *stats)
        for incarnation, partition, *stats in zip(*columns, strict=True)
        if None not in stats
    ]


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
