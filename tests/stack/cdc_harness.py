"""A database with a connector and a lake of its own, so that tests do not see each other's changes."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from uuid import uuid4

from pyspark.sql import SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from lakehouse.cdc import bronze
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.merge.silver import CatchUpResult, catch_up
from lakehouse.cdc.source_identity import acknowledge_data_loss, ensure_resnapshot_is_ordered, resolve_starting_offsets
from lakehouse.cdc.table_store import TableStore
from lakehouse.kafka_login import spark_options
from lakehouse.retries import wait_until
from lakehouse.settings import Settings
from lakehouse.source import consistent_cut, topics
from lakehouse.source.connect_client import ConnectClient, build_config, connect_session
from lakehouse.source.lake_marks import reset_mark
from lakehouse.source.postgres import LONG_DEADLINE_S, connect, current_wal_lsn
from lakehouse.source.resnapshot import resnapshot
from lakehouse.source.source_check import read_source_identity
from support.timing import seconds

HarnessFactory = Callable[..., "CdcHarness"]


@dataclass
class CdcHarness:
    """The tables under test, with their database, their connector and their lake."""

    settings: Settings
    lake: Lake
    contracts: Sequence[Contract]
    config: dict[str, str]
    queries: Sequence[StreamingQuery] = ()

    @property
    def name(self) -> str:
        return self.settings.db_name

    def execute(self, *statements: str) -> None:
        """Run each statement in a transaction of its own."""
        with connect(self.settings, autocommit=True, deadline=LONG_DEADLINE_S) as conn:
            for statement in statements:
                conn.execute(statement)

    def request_snapshot(self, kind: str, table: str, where: str | None = None) -> None:
        """Request a snapshot of a table, or of the rows that match `where`, by a signal."""
        filtered = {"additional-conditions": [{"data-collection": table, "filter": where}]} if where else {}
        request = {"type": kind, "data-collections": [table], **filtered}
        with connect(self.settings) as conn:
            signal = [str(uuid4()), json.dumps(request)]
            conn.execute("INSERT INTO cdc.signal VALUES (%s, 'execute-snapshot', %s)", signal)

    def create_slot(self) -> None:
        """Create the slot before the connector does: creating it waits for every open transaction."""
        with connect(self.settings, autocommit=True, deadline=LONG_DEADLINE_S) as conn:
            conn.execute("SELECT pg_create_logical_replication_slot(%s, 'pgoutput')", [self.name])

    def start(self, **config: str) -> None:
        """Register the connector, with these settings changed, and start the streams."""
        self.register_connector(**config)
        self.start_streams()

    @contextmanager
    def streaming(self, contracts: Sequence[Contract]) -> Iterator["CdcHarness"]:
        """Run the streams of some of the harness's tables into Bronze until the block ends."""
        tables = [contract.table for contract in contracts]
        chosen = sorted((one for one in self.contracts if one.table in tables), key=lambda one: tables.index(one.table))
        harness = replace(self, contracts=chosen)
        wait_until(harness.is_streaming, timeout=seconds(60), missing="the connector to read its slot")
        harness.start_streams()
        try:
            yield harness
        finally:
            harness.stop_streams()

    def create_topics(self, *names: str) -> None:
        """Create topics with the connector's prefix, in addition to those of its tables."""
        admin = topics.admin_client(self.settings)
        try:
            topics.create_missing_topics(admin, {f"{self.name}.{name}": {} for name in names})
        finally:
            admin.close()

    def add_partitions(self, contract: Contract, count: int) -> None:
        """Raise the number of partitions of a table's topic to `count`."""
        admin = topics.admin_client(self.settings)
        try:
            admin.create_partitions({contract.topic: count})
        finally:
            admin.close()

    def start_streams(self) -> None:
        """Start one stream per table into Bronze."""
        source = read_source_identity(self.settings, self.contracts)
        self.queries = [
            bronze.start_stream(
                self.lake,
                one,
                spark_options(self.settings),
                resolve_starting_offsets(self.lake.store, source, one),
            )
            for one in self.contracts
        ]

    def register_connector(self, **config: str) -> None:
        """Create all topics that the connector needs, and register it with these settings changed."""
        self.config |= {name.replace("_", "."): value for name, value in config.items()}
        admin = topics.admin_client(self.settings)
        try:
            topics.create_missing_topics(admin, topics.required_topics(self.config))
        finally:
            admin.close()
        with self.connector() as connector:
            connector.register(self.config)

    def is_streaming(self) -> bool:
        """Return whether the snapshot is over and the slot is being read."""
        with connect(self.settings) as conn:
            found = conn.execute("SELECT active FROM pg_replication_slots WHERE slot_name = %s", [self.name]).fetchone()
        return found == (True,)

    def drain(self, timeout: float = 60) -> consistent_cut.ConsistentCut:
        """Wait until Bronze has every change that is committed now, and return the cut."""
        wait_until(self.is_streaming, timeout=timeout, missing="the connector to read its slot")
        return consistent_cut.wait_for_consistent_cut(self.settings, self.lake.store, self.contracts, timeout)

    def merge_silver(self) -> list[CatchUpResult]:
        """Merge into Silver every change that is committed now."""
        offsets = self.drain()
        return [catch_up(self.lake, contract, offsets[contract.table]) for contract in self.contracts]

    @contextmanager
    def connector(self) -> Iterator[ConnectClient]:
        with connect_session(self.settings, timeout=seconds(60)) as session:
            yield ConnectClient(session, self.settings.connect_url, self.name)

    def resnapshot(self) -> None:
        """Run the steps of the command resnapshot.py for the harness's own connector and tables."""
        store, source = self.lake.store, read_source_identity(self.settings, self.contracts)
        with connect(self.settings, autocommit=True) as conn, self.connector() as connector:
            current_lsn = partial(current_wal_lsn, conn)
            for contract in self.contracts:
                ensure_resnapshot_is_ordered(store, source, current_lsn, contract)
            resnapshot(conn, connector, [f"{one.schema}.{one.table}" for one in self.contracts], 60, print)
            # The acknowledgement changes the table's properties, which makes a running stream fail.
            was_running = any(flow.isActive for flow in self.queries)
            self.stop_streams()
            for contract in self.contracts:
                acknowledge_data_loss(store, source, contract, current_lsn)
            reset_mark(conn, store)
            if was_running:
                self.start_streams()

    def stop_streams(self) -> None:
        """Stop every stream into Bronze."""
        for flow in self.queries:
            flow.stop()

    def close(self) -> None:
        self.stop_streams()
        with connect_session(self.settings, timeout=seconds(60)) as session:
            session.delete(f"{self.settings.connect_url}/connectors/{self.name}")
        wait_until(lambda: not self.is_streaming(), timeout=seconds(30), missing="the connector to leave its slot")
        with connect(self.settings, autocommit=True) as conn:
            conn.execute(
                "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = %s", [self.name]
            )


@contextmanager
def open_harness(
    spark: SparkSession, database: Settings, home: Path, contracts: Sequence[Contract], ddl: str = ""
) -> Iterator[CdcHarness]:
    """Yield a harness of these tables; `ddl` creates those that the database lacks."""
    contracts_of_database = [replace(contract, topic_prefix=database.db_name) for contract in contracts]
    store = TableStore(str(home / "lake"))
    store.create_quarantine()
    for contract in contracts_of_database:
        store.create_silver(contract)
    harness = CdcHarness(
        database, Lake(spark, store), contracts_of_database, _connector_config(database, contracts_of_database)
    )
    if ddl:
        harness.execute(ddl)
    harness.execute(*(f"CALL public.capture('{one.schema}.{one.table}')" for one in contracts_of_database))
    try:
        yield harness
    finally:
        harness.close()


def _connector_config(database: Settings, contracts: Sequence[Contract]) -> dict[str, str]:
    tables = ["cdc.heartbeat", "cdc.signal", *(f"{one.schema}.{one.table}" for one in contracts)]
    overrides: Mapping[str, str] = {
        "topic.prefix": database.db_name,
        "slot.name": database.db_name,
        "notification.sink.topic.name": f"__debezium-notifications.{database.db_name}",
        "table.include.list": ",".join(tables),
    }
    return build_config({**topics.read_connector_config(), **overrides}, database)
