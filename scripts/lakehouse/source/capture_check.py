"""Reads the settings that capture depends on, from Postgres and Kafka Connect, and compares them with what it needs."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lakehouse.cdc.contract import Contract
from lakehouse.contracts import CAPTURED
from lakehouse.errors import NotReady
from lakehouse.http_session import HttpError
from lakehouse.settings import Settings
from lakehouse.source import debezium_signals, topics
from lakehouse.source.capture_settings import (
    ADDRESS_SETTINGS,
    Finding,
    TableSettings,
    compare_connector,
    compare_tables,
)
from lakehouse.source.connect_client import ConnectClient, build_config, connect_session
from lakehouse.source.debezium_signals import PendingSnapshot
from lakehouse.source.postgres import Connection, short_connection

# Before version 18, attnames of the publication names generated columns too, and pgoutput never sends them.
TABLE_SETTINGS_QUERY = """
    SELECT wanted.name, class.oid IS NOT NULL, class.relreplident::text, key.attnames, key.name,
      ARRAY(SELECT attname::text FROM pg_attribute
        WHERE attrelid = class.oid AND attnum > 0 AND NOT attisdropped ORDER BY attnum),
      ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = class.oid AND attgenerated <> ''),
      published.attnames::text[], published.rowfilter,
      array_remove(ARRAY[
        CASE WHEN publication.pubinsert THEN 'insert' END, CASE WHEN publication.pubupdate THEN 'update' END,
        CASE WHEN publication.pubdelete THEN 'delete' END, CASE WHEN publication.pubtruncate THEN 'truncate' END
      ], NULL),
      current_setting('server_version_num')::int >= 180000
    FROM unnest(%(tables)s::text[]) WITH ORDINALITY AS wanted (name, place)
    LEFT JOIN pg_class AS class ON class.oid = to_regclass(wanted.name)
    LEFT JOIN pg_namespace AS namespace ON namespace.oid = class.relnamespace
    LEFT JOIN pg_publication AS publication ON publication.pubname = %(publication)s
    LEFT JOIN pg_publication_tables AS published ON published.pubname = publication.pubname
      AND published.schemaname = namespace.nspname AND published.tablename = class.relname
    LEFT JOIN LATERAL (
      SELECT ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = class.oid AND attnum = ANY (conkey)),
        quote_ident(conname)
      FROM pg_constraint WHERE conrelid = class.oid AND contype = 'p'
    ) AS key (attnames, name) ON true
    ORDER BY wanted.place
"""


def read_table_settings(conn: Connection, connector: Mapping[str, str]) -> list[TableSettings]:
    """Return the settings of each table that a connector configuration captures, by one query."""
    parameters = {"tables": topics.captured_tables(connector), "publication": connector["publication.name"]}
    return [_to_table_settings(row) for row in conn.execute(TABLE_SETTINGS_QUERY, parameters).fetchall()]


def find_problems(
    settings: Settings, contracts: Sequence[Contract] = CAPTURED, *, check_connector: bool = True
) -> list[Finding]:
    """Return every setting that loses changes of these contracts' tables, and every snapshot that is owed.

    `check_connector` includes the connector's own settings. Raises NotReady where Kafka Connect does not answer.
    """
    connector = build_config(topics.read_connector_config(), settings)
    with short_connection(settings) as conn:
        found = find_table_problems(conn, connector, contracts)
        found += map(_owed, debezium_signals.pending_snapshots(conn))
    return [*found, *(_connector_problems(settings, connector) if check_connector else [])]


def find_health_problems(settings: Settings) -> list[Finding]:
    """Return every setting that loses changes, and every snapshot that failed."""
    with short_connection(settings) as conn:
        found = find_table_problems(conn, topics.read_connector_config(), CAPTURED)
        return [*found, *(_owed(one) for one in debezium_signals.pending_snapshots(conn) if one.failure)]


def find_table_problems(
    conn: Connection, connector: Mapping[str, str], contracts: Sequence[Contract] = CAPTURED
) -> list[Finding]:
    """Return every setting of Postgres that loses changes of the connector's tables."""
    return compare_tables(read_table_settings(conn, connector), contracts, connector["publication.name"])


def problems_by_table(findings: Iterable[Finding], contracts: Iterable[Contract]) -> Mapping[str, list[Finding]]:
    """Return the findings by the contract's table that they concern; tables without any are left out."""
    names = {contract.table: f"{contract.schema}.{contract.table}" for contract in contracts}
    found = [*findings]
    by_table = {table: [finding for finding in found if finding.table in {None, name}] for table, name in names.items()}
    return {table: of_table for table, of_table in by_table.items() if of_table}


def _connector_problems(settings: Settings, desired: Mapping[str, str]) -> list[Finding]:
    try:
        with connect_session(settings) as session:
            running = ConnectClient(session, settings.connect_url).config()
    except HttpError as error:
        raise NotReady(f"{error}. Nobody knows the connector's settings. Start it: `make status`, `make up`") from error
    return compare_connector(running, desired, ADDRESS_SETTINGS)


def _owed(snapshot: PendingSnapshot) -> Finding:
    """Return the finding for a snapshot that has not ended well: its table's rows are not all in the lake."""
    state = f"failed ({snapshot.failure})" if snapshot.failure else "has not ended"
    return Finding(snapshot.table, f"its snapshot {state}", snapshot.remedy, loses_changes=False)


def _to_table_settings(row: tuple[Any, ...]) -> TableSettings:
    name, exists, identity, key, key_name, columns, generated, published, row_filter, operations, sends_generated = row
    if published is not None and not sends_generated:
        published = [column for column in published if column not in generated]
    return TableSettings(
        table=name,
        exists=exists,
        replica_identity=identity or "d",
        primary_key=key or (),
        primary_key_name=key_name,
        columns=columns,
        generated_columns=generated,
        published_columns=published,
        row_filter=row_filter,
        published_operations=operations,
    )
