"""A Postgres restored from a backup and an invalidated slot are detected; one command repairs the lake after both.

The tests stop and restore a Postgres of their own.
"""

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from lakehouse.cdc import table_stats
from lakehouse.errors import SourceMismatch
from lakehouse.local.service import Service
from lakehouse.local.service_addresses import on_free_ports
from lakehouse.local.stack import Stack
from lakehouse.retries import wait_until
from lakehouse.settings import Settings
from lakehouse.source import replication_slot, topics
from lakehouse.source.connect_client import ConnectClient
from lakehouse.source.connector_controller import ConnectorController
from lakehouse.source.lake_marks import renew_mark
from lakehouse.source.postgres import connect, current_wal_lsn
from lakehouse.source.source_check import ensure_source_not_rewound
from spark.messages import SHOES
from stack.cdc_harness import CdcHarness, open_harness
from stack.databases import fresh_database
from stack.own_services import services_of_tests
from stack.silver_diff import differences
from support.timing import seconds

pytestmark = pytest.mark.long

TABLE = """
    CREATE TABLE shoes (id int PRIMARY KEY, size int, note text, price numeric(12,2));
    INSERT INTO shoes SELECT n, n, 'first', n FROM generate_series(1, 9) n
"""


def services_with_small_wal_keep(home: Path, settings: Settings) -> list[Service]:
    """Return the services, with a Postgres that invalidates a slot after 64 MB of WAL."""
    options = ("-c", "max_slot_wal_keep_size=64MB")
    return [
        replace(service, command=(*service.command, *options)) if service.name == "postgres" else service
        for service in services_of_tests(home, settings)
    ]


@pytest.fixture(scope="module")
def own_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("own")
    stack = Stack(folder, on_free_ports(folder), service_factory=services_with_small_wal_keep)
    try:
        stack.up("postgres", "kafka", "connect")
        yield stack
    finally:
        stack.down()


@pytest.fixture
def harness(own_stack: Stack, spark: SparkSession, tmp_path: Path) -> Iterator[CdcHarness]:
    with (
        fresh_database(own_stack.settings) as database,
        open_harness(spark, database, tmp_path, [SHOES], TABLE) as opened,
    ):
        opened.start()
        opened.merge_silver()
        yield opened


def stop_connector_if_rewound(settings: Settings, connector: ConnectClient) -> None:
    """Run the check that the connector's controller runs when Postgres is back."""
    admin = topics.admin_client(settings)
    try:
        with connect(settings, autocommit=True) as conn:
            ConnectorController(settings, admin, conn, connector).stop_if_source_rewound()
    finally:
        admin.close()


def test_restored_postgres_backup_is_detected_and_resnapshot_realigns_the_lake(
    own_stack: Stack, harness: CdcHarness, connector: ConnectClient
) -> None:
    data = own_stack.home / "postgres" / "data"
    own_stack.down("postgres")
    subprocess.run(["cp", "-a", data, data.with_name("backup")], check=True)
    own_stack.up("postgres")
    # More WAL than Postgres writes by itself until the checks below.
    harness.execute("SELECT pg_logical_emit_message(false, 'noise', repeat('x', 1000000))")
    harness.execute("DELETE FROM shoes WHERE id < 4", "INSERT INTO shoes VALUES (20, 20, 'never was', 1)")
    harness.merge_silver()
    with connect(harness.settings) as conn:
        end = current_wal_lsn(conn)
    wait_until(lambda: connector.max_lsn() >= end, timeout=seconds(60), missing="the connector to store its offset")
    own_stack.down("postgres")
    shutil.rmtree(data)
    data.with_name("backup").rename(data)
    own_stack.up("postgres")
    with pytest.raises(SourceMismatch, match="A backup was restored"):
        ensure_source_not_rewound(harness.settings, harness.lake.store, harness.contracts)
    stop_connector_if_rewound(harness.settings, connector)
    wait_until(
        lambda: (state := connector.state()) and state.is_stopped,
        timeout=seconds(60),
        missing="the connector to be stopped",
    )
    # These changes reuse LSNs of changes made before the restore.
    harness.execute("DELETE FROM shoes WHERE id < 3", "INSERT INTO shoes VALUES (21, 21, 'since then', 1)")
    harness.resnapshot()
    ensure_source_not_rewound(harness.settings, harness.lake.store, harness.contracts)
    harness.execute("UPDATE shoes SET size = 99 WHERE id = 4")
    harness.merge_silver()
    assert differences(harness, harness.contracts[0]) == []
    assert {row.id for row in harness.lake.silver(harness.contracts[0]).collect()} == {*range(3, 10), 21}


def put_back(stack: Stack, *, as_new_timeline: bool) -> None:
    """Put Postgres's data folder back from its copy; as a new timeline it is recovered, as a promoted standby is."""
    data = stack.home / "postgres" / "data"
    stack.down("postgres")
    shutil.rmtree(data)
    data.with_name("backup").rename(data)
    if as_new_timeline:
        (data / "recovery.signal").touch()
        with (data / "postgresql.auto.conf").open("a", encoding="utf-8") as conf:
            conf.write("restore_command = 'false'\n")
    stack.up("postgres")


def write_past(harness: CdcHarness, lsn: int) -> None:
    """Write WAL until it is longer than it was."""
    with connect(harness.settings, autocommit=True, deadline=seconds(120)) as conn:
        while current_wal_lsn(conn) <= lsn:
            conn.execute("SELECT pg_logical_emit_message(false, 'noise', repeat('x', 10000000))")


@pytest.mark.parametrize(
    ("as_new_timeline", "reason"), [(False, "Postgres lacks the mark"), (True, r"now writes timeline \d")]
)
def test_older_postgres_that_wrote_past_the_old_end_is_detected_and_resnapshot_realigns_the_lake(
    own_stack: Stack, harness: CdcHarness, connector: ConnectClient, reason: str, *, as_new_timeline: bool
) -> None:
    store, data = harness.lake.store, own_stack.home / "postgres" / "data"
    renew_mark(harness.settings, store)
    own_stack.down("postgres")
    subprocess.run(["cp", "-a", data, data.with_name("backup")], check=True)
    own_stack.up("postgres")
    if not as_new_timeline:
        renew_mark(harness.settings, store)
    harness.execute("DELETE FROM shoes WHERE id < 4", "INSERT INTO shoes VALUES (20, 20, 'never was', 1)")
    harness.merge_silver()
    with connect(harness.settings) as conn:
        end = current_wal_lsn(conn)
    connector.stop()
    put_back(own_stack, as_new_timeline=as_new_timeline)
    harness.execute("DELETE FROM shoes WHERE id < 3", "INSERT INTO shoes VALUES (21, 21, 'since then', 1)")
    write_past(harness, max(end, table_stats.max_lsn(store, harness.contracts[0])))
    with pytest.raises(SourceMismatch, match=rf"{reason}.*resnapshot\.py"):
        ensure_source_not_rewound(harness.settings, store, harness.contracts)
    harness.resnapshot()
    ensure_source_not_rewound(harness.settings, store, harness.contracts)
    harness.merge_silver()
    assert differences(harness, harness.contracts[0]) == []
    assert {row.id for row in harness.lake.silver(harness.contracts[0]).collect()} == {*range(3, 10), 21}


def test_invalidated_slot_is_detected_and_resnapshot_restores_the_rows(
    harness: CdcHarness, connector: ConnectClient
) -> None:
    connector.stop()
    wait_until(lambda: not harness.is_streaming(), timeout=seconds(60), missing="the connector to leave its slot")
    fill_wal = "SELECT pg_logical_emit_message(false, 'noise', repeat('x', 1000000)) FROM generate_series(1, 200)"
    harness.execute(
        "DELETE FROM shoes WHERE id < 4",
        fill_wal,
        "CHECKPOINT",
    )
    connector.resume()
    with connect(harness.settings) as conn:
        assert replication_slot.is_slot_lost(conn, harness.name)
    harness.resnapshot()
    harness.merge_silver()
    assert differences(harness, harness.contracts[0]) == []
    assert harness.lake.silver(harness.contracts[0]).count() == 6
