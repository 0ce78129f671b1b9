"""The captured tables of the hazards that share one database, one connector and one lake: a table each, or two."""

from dataclasses import replace

from lakehouse.cdc.contract import Rule
from lakehouse.contracts.company import captured_table
from spark.messages import SHOES

TRUNCATED = replace(SHOES, table="truncated_shoes")
TRUNCATED_LACES = captured_table(table="truncated_laces", key=("id",), columns={"id": "int", "shoe": "int"})
BLOCKING = replace(SHOES, table="blocking_shoes")
INCREMENTAL = replace(SHOES, table="incremental_shoes")
ALTERED = replace(SHOES, table="altered_shoes")
UNALTERED = replace(SHOES, table="unaltered_shoes")
FOREIGN = replace(SHOES, table="foreign_shoes")
FOREIGN_LACES = captured_table(table="foreign_laces", key=("id",), columns={"id": "int", "length": "int"})
REPARTITIONED = replace(SHOES, table="repartitioned_shoes")
TOAST_TABLE = captured_table(
    table="toasted_letters", key=("id",), columns={"id": "int", "size": "int", "body": "string", "doc": "string"}
)
RENUMBERED = captured_table(
    table="renumbered_letters",
    key=("id",),
    columns={"id": "int", "size": "int", "body": "string"},
    rules=(Rule("size_negative", when="size < 0", message="taille négative"),),
)
CONTRACTS = (
    TRUNCATED, TRUNCATED_LACES, BLOCKING, INCREMENTAL, ALTERED, UNALTERED, FOREIGN, FOREIGN_LACES, REPARTITIONED,
    TOAST_TABLE, RENUMBERED,
)  # fmt: skip
# What these two hold at first is known to nobody until a snapshot is asked for.
NOT_IN_FIRST_SNAPSHOT = (TOAST_TABLE, INCREMENTAL)

# EXTERNAL: stored apart and never compressed, so that a change that does not touch such a value leaves it out.
DDL = """
    CREATE TABLE truncated_shoes (id int PRIMARY KEY, size int, note text, price numeric(12,2));
    CREATE TABLE truncated_laces (id int PRIMARY KEY, shoe int REFERENCES truncated_shoes);
    INSERT INTO truncated_shoes VALUES (1, 41), (2, 42);
    INSERT INTO truncated_laces VALUES (10, 1), (20, 2);

    CREATE TABLE blocking_shoes (LIKE truncated_shoes INCLUDING ALL);
    INSERT INTO blocking_shoes SELECT n, n, 'first', n FROM generate_series(1, 20) n;

    CREATE TABLE incremental_shoes (LIKE truncated_shoes INCLUDING ALL);
    INSERT INTO incremental_shoes SELECT n, n, 'first', n FROM generate_series(1, 600) n;
    INSERT INTO incremental_shoes VALUES (9999, 1, 'read last', 1);

    CREATE TABLE altered_shoes (LIKE truncated_shoes INCLUDING ALL);
    INSERT INTO altered_shoes SELECT n, n, 'first', n FROM generate_series(1, 9) n;
    CREATE TABLE unaltered_shoes (LIKE altered_shoes INCLUDING ALL);
    INSERT INTO unaltered_shoes SELECT * FROM altered_shoes;

    CREATE TABLE foreign_shoes (LIKE truncated_shoes INCLUDING ALL);
    INSERT INTO foreign_shoes VALUES (1, 41), (2, 42);
    CREATE TABLE foreign_laces (id int PRIMARY KEY, length int);
    INSERT INTO foreign_laces VALUES (1, 90);

    CREATE TABLE repartitioned_shoes (LIKE truncated_shoes INCLUDING ALL);
    INSERT INTO repartitioned_shoes SELECT n, n, 'first', n FROM generate_series(1, 12) n;

    CREATE TABLE toasted_letters (id int PRIMARY KEY, size int, body text, doc jsonb);
    ALTER TABLE toasted_letters ALTER body SET STORAGE EXTERNAL, ALTER doc SET STORAGE EXTERNAL;
    INSERT INTO toasted_letters
      SELECT n, n, repeat(chr(96 + n), 9000), jsonb_build_object('text', repeat(chr(96 + n), 9000))
      FROM generate_series(1, 6) n;

    CREATE TABLE renumbered_letters (id int PRIMARY KEY, size int, body text);
    ALTER TABLE renumbered_letters ALTER body SET STORAGE EXTERNAL;
    INSERT INTO renumbered_letters SELECT n, n, repeat(chr(96 + n), 9000) FROM generate_series(1, 9) n
"""
CONFIG = {
    "incremental.snapshot.chunk.size": "20",
    "provide.transaction.metadata": "true",
    "heartbeat.interval.ms": "200",
    "snapshot.include.collection.list": ",".join(
        f"{contract.schema}.{contract.table}" for contract in CONTRACTS if contract not in NOT_IN_FIRST_SNAPSHOT
    ),
}
