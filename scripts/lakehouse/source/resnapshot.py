"""A resnapshot of every captured table, after changes were lost: a new slot and a new initial snapshot.

A complete initial snapshot implies a delete of every row that it lacks. This removes rows whose deletes were lost.
"""

from collections.abc import Callable, Sequence
from functools import partial

from lakehouse.cdc.contract import Contract
from lakehouse.cdc.fence import highest_fence
from lakehouse.cdc.foreign_commits import accept_restored
from lakehouse.cdc.source_identity import acknowledge_data_loss, create_bronze_tables, ensure_resnapshot_is_ordered
from lakehouse.cdc.table_store import TableStore
from lakehouse.errors import NotReady, SourceMismatch
from lakehouse.retries import wait_until
from lakehouse.settings import Settings
from lakehouse.source import debezium_signals, replication_slot, topics
from lakehouse.source.connect_client import ConnectClient, connect_session
from lakehouse.source.lake_marks import reset_mark
from lakehouse.source.lease import advance_numbers
from lakehouse.source.postgres import LONG_DEADLINE_S, Connection, connect, current_wal_lsn, sql
from lakehouse.source.source_check import ensure_conn_not_rewound, read_source_identity


def resnapshot_lake(
    settings: Settings,
    store: TableStore,
    contracts: Sequence[Contract],
    timeout: float,
    report_progress: Callable[[str], None],
) -> None:
    """Snapshot the tables again, and record in Bronze that changes before the snapshot may be lost.

    The numbers of leases go on above those in the lake. A Postgres that was restored from a backup lacks what it had
    noted since. The versions of Bronze and Gold are then accepted as they are, and the next refresh rebuilds Silver.

    Raises SourceMismatch, before the connector is stopped, where the snapshot could not be ordered after what was lost.
    """
    source = read_source_identity(settings, contracts)
    create_bronze_tables(store, source, *contracts)
    with connect(settings, autocommit=True) as conn, connect_session(settings, timeout=60) as session:
        wal_lsn = partial(current_wal_lsn, conn)
        for contract in contracts:
            ensure_resnapshot_is_ordered(store, source, wal_lsn, contract)
        is_restored = _is_older_than_lake(conn, store, contracts)
        captured = [f"{contract.schema}.{contract.table}" for contract in contracts]
        resnapshot(conn, ConnectClient(session, settings.connect_url), captured, timeout, report_progress)
        for contract in contracts:
            acknowledge_data_loss(store, source, contract, wal_lsn)
        advance_numbers(conn, highest_fence(store))
        if is_restored:
            accept_restored(store)
        reset_mark(conn, store)


def _is_older_than_lake(conn: Connection, store: TableStore, contracts: Sequence[Contract]) -> bool:
    try:
        ensure_conn_not_rewound(conn, store, contracts)
    except SourceMismatch:
        return True
    return False


def resnapshot(
    conn: Connection,
    connect_client: ConnectClient,
    captured: Sequence[str],
    timeout: float,
    report_progress: Callable[[str], None],
) -> None:
    """Delete the connector's offsets and slot, resume it, and wait until it streams again.

    `captured` names the tables as schema.table; `conn` is in autocommit mode. Safe to run again after a kill.
    Raises NotReady where the connector was never registered, or a step takes longer than `timeout` seconds.
    """
    config = connect_client.config()
    if config is None:
        raise NotReady("There is no connector yet. python scripts/Jobs_Spark/register_connector.py creates it.")
    slot = config["slot.name"]
    report_progress("stopping the connector")
    connect_client.stop()
    wait_until(
        lambda: (state := connect_client.state()) and state.is_stopped, timeout=timeout, missing="the connector to stop"
    )
    wait_until(
        lambda: replication_slot.slot_active_pid(conn, slot) is None,
        timeout=timeout,
        missing="the connector to leave its slot",
    )
    connect_client.delete_offsets()
    conn.execute("SELECT cdc.drop_slot(%s)", [slot])
    report_progress("taking a snapshot of every table")
    connect_client.resume()
    wait_until(
        lambda: replication_slot.slot_active_pid(conn, slot),
        timeout=timeout,
        missing=lambda: _describe_slot_blockers(conn),
    )
    # The initial snapshot is over, and it read every table that the connector captures.
    debezium_signals.delete_pending_snapshots(conn, topics.captured_tables(config))
    report_progress("truncating the tables that are empty in Postgres")
    _truncate_empty_tables(conn, captured)


def _truncate_empty_tables(conn: Connection, captured: Sequence[str]) -> None:
    """Truncate the tables without rows: a snapshot sends no message for them, and the lake may still have rows."""
    names = [sql.Identifier(*table.split(".")) for table in captured]
    # The lock waits for every open transaction that has read one of the tables.
    with conn.deadline(LONG_DEADLINE_S), conn.transaction():
        empty = [name for name in names if _is_empty(conn, name)]
        if empty:
            listed = sql.SQL(", ").join(empty)
            conn.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(listed))
            # Another transaction may have written between the check and the lock.
            if all(_is_empty(conn, name) for name in empty):
                conn.execute(sql.SQL("TRUNCATE {}").format(listed))


def _is_empty(conn: Connection, table: sql.Identifier) -> bool:
    row = conn.execute(sql.SQL("SELECT EXISTS (SELECT FROM {})").format(table)).fetchone()
    return row == (False,)


def _describe_slot_blockers(conn: Connection) -> str:
    blockers = ", ".join(f"pid {pid} ({age} s)" for pid, age in replication_slot.open_transactions(conn))
    return "the connector to stream again" + (f"; its slot waits for open transactions: {blockers}" if blockers else "")
