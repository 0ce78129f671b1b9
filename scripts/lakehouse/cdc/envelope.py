"""From Bronze's raw messages to typed changes: a contract's columns, and where each change came from."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.cdc.contract import Contract

# What Debezium writes for a TOASTed value that the change did not touch and the WAL does not carry.
UNAVAILABLE = "__debezium_unavailable_value"
UPSERTS = ("c", "u", "r")
DELETE, TRUNCATE = "d", "t"
FIELDS = "before MAP<STRING, STRING>, after MAP<STRING, STRING>"


def decode(messages: DataFrame, contract: Contract) -> DataFrame:
    """Give one typed change a message.

    Columns: `_op` (c, u, r, d or t; NULL where the message cannot be read as a change of this table), where the
    change came from (tables.ORIGIN), `_value` (the message as it came), `_fields` (its row as text), `_unchanged`
    (columns whose value was left out), `_misfits` (columns whose value is not of the contract's type), and the
    contract's columns.
    """
    parsed = F.from_json("value", FIELDS)
    keys = F.from_json("key", "MAP<STRING, STRING>")
    with_fields = messages.withColumn("_fields", F.when(F.col("op") == DELETE, keys).otherwise(parsed["after"]))
    typed = with_fields.select(
        *_origin(),
        F.col("value").alias("_value"),
        "_fields",
        F.array_compact(F.array(*(_named(name, _given(name) == UNAVAILABLE) for name in contract.columns))).alias(
            "_unchanged"
        ),
        *(_typed(_present(name), sql_type).alias(name) for name, sql_type in contract.columns.items()),
    )
    misfits = F.array(*(_named(name, _present(name).isNotNull() & F.col(name).isNull()) for name in contract.columns))
    return typed.withColumn("_misfits", F.array_compact(misfits)).withColumn("_op", _readable(contract))


def _origin() -> list[Column]:
    names = ("op", "incarnation", "partition", "offset", "commit_seq", "lsn", "tx_id", "committed_at")
    return [F.col(name).alias(f"_{name}") for name in names]


def _given(name: str) -> Column:
    return F.col("_fields")[name]


def _present(name: str) -> Column:
    return F.nullif(_given(name), F.lit(UNAVAILABLE))


def _named(name: str, condition: Column) -> Column:
    return F.when(condition, F.lit(name))


def _typed(text: Column, sql_type: str) -> Column:
    """Read a value as Debezium writes it in JSON: days and microseconds since 1970, ISO 8601 with a zone, the rest."""
    match sql_type:
        case "date":
            return F.date_from_unix_date(text.try_cast("int"))
        case "timestamp_ntz":
            return F.timestamp_micros(text.try_cast("bigint")).cast("timestamp_ntz")
        case _:
            return text.try_cast(sql_type)


def _readable(contract: Contract) -> Column:
    """Give the operation where the message is a change of this table with a whole key, else NULL."""
    whole = F.lit(True)
    for name in contract.key:
        # A value that is there and does not fit is a changed table, not an unreadable message.
        whole = whole & (F.col(name).isNotNull() | F.array_contains("_misfits", name))
    change = F.col("_op").isin(*UPSERTS, DELETE) & whole
    return F.when(change | (F.col("_op") == TRUNCATE), F.col("_op"))
