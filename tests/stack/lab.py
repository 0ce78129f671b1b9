"""A database with a connector of its own, and a lake fed from it: what one test does there no other test sees."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from uuid import uuid4

import httpx
from pyspark.sql import SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from lakehouse.cdc import bronze
from lakehouse.cdc.catalog import Catalog
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.silver import Caught, catch_up
from lakehouse.cdc.source import accept, check_order, claim
from lakehouse.settings import Settings
from lakehouse.source import cut, topics
from lakehouse.source.connector import Connect, configuration
from lakehouse.source.identity import identify
from lakehouse.source.postgres import connect, wal_end
from lakehouse.source.read_anew import read_anew
from lakehouse.waiting import wait_until

Lab = Callable[..., "Bench"]


@dataclass
class Bench:
    """The tables under test: where they are captured from, and the lake that they flow into."""

    settings: Settings
    lake: Lake
    contracts: Sequence[Contract]
    config: dict[str, str]
    flows: Sequence[StreamingQuery] = ()

    @property
    def name(self) -> str:
        return self.settings.db_name

    def execute(self, *statements: str) -> None:
        """Run each statement in a transaction of its own."""
        with connect(self.settings, autocommit=True) as conn:
            for statement in statements:
                conn.execute(statement.encode())

    def snapshot(self, kind: str, table: str, where: str | None = None) -> None:
        """Ask for a snapshot of a table, or of some of its rows, by a signal."""
        filtered = {"additional-conditions": [{"data-collection": table, "filter": where}]} if where else {}
        wanted = {"type": kind, "data-collections": [table], **filtered}
        with connect(self.settings) as conn:
            signal = [str(uuid4()), json.dumps(wanted)]
            conn.execute("INSERT INTO cdc.signal VALUES (%s, 'execute-snapshot', %s)", signal)

    def make_slot(self) -> None:
        """Make the slot before the connector does, which would wait for every open transaction."""
        with connect(self.settings, autocommit=True) as conn:
            conn.execute("SELECT pg_create_logical_replication_slot(%s, 'pgoutput')", [self.name])

    def start(self, **config: str) -> None:
        """Register the connector, with these settings changed, and begin to fill Bronze."""
        self.register(**config)
        self.flow()

    def flow(self) -> None:
        """Begin to fill Bronze."""
        source = identify(self.settings, self.contracts)
        self.flows = [
            bronze.flow(self.lake, one, self.settings.kafka_bootstrap_servers, claim(self.lake.catalog, source, one))
            for one in self.contracts
        ]

    def register(self, **config: str) -> None:
        """Make the topics and register the connector; the topics it needs beyond the tables' are its own too."""
        self.config |= {name.replace("_", "."): value for name, value in config.items()}
        admin = topics.admin(self.settings)
        try:
            topics.create_missing(admin, topics.topics(self.config))
        finally:
            admin.close()
        httpx.put(f"{self._connector}/config", json=self.config, timeout=60).raise_for_status()

    def streams(self) -> bool:
        """Say whether the snapshot is over and the slot is being read."""
        with connect(self.settings) as conn:
            found = conn.execute("SELECT active FROM pg_replication_slots WHERE slot_name = %s", [self.name]).fetchone()
        return found == (True,)

    def drain(self, patience: float = 60) -> cut.Cut:
        """Wait until Bronze holds everything that is committed now, and give where that is."""
        wait_until(self.streams, timeout=patience, missing="the connector to read its slot")
        return cut.of_everything(self.settings, self.lake.catalog, self.contracts, patience)

    def refresh(self) -> list[Caught]:
        """Bring Silver up to everything that is committed now."""
        upto = self.drain()
        return [catch_up(self.lake, contract, upto[contract.table]) for contract in self.contracts]

    @contextmanager
    def connector(self) -> Iterator[Connect]:
        with httpx.Client(base_url=self.settings.connect_url, timeout=60) as client:
            yield Connect(client, self.name)

    def read_anew(self) -> None:
        """Do what the command resnapshot.py does, for the bench's own connector and tables."""
        catalog, source = self.lake.catalog, identify(self.settings, self.contracts)
        with connect(self.settings, autocommit=True) as conn, self.connector() as connector:
            end = partial(wal_end, conn)
            for contract in self.contracts:
                check_order(catalog, source, end, contract)
            read_anew(conn, connector, [f"{one.schema}.{one.table}" for one in self.contracts], 60, print)
            # What is accepted is kept with the table. A flow that writes meanwhile ends, and the stream begins it anew.
            flowing = any(flow.isActive for flow in self.flows)
            self.stop()
            for contract in self.contracts:
                accept(catalog, source, contract, end)
            if flowing:
                self.flow()

    def stop(self) -> None:
        """Fill Bronze no longer."""
        for flow in self.flows:
            flow.stop()

    def close(self) -> None:
        self.stop()
        httpx.delete(self._connector, timeout=60)
        wait_until(lambda: not self.streams(), timeout=30, missing="the connector to leave its slot")
        with connect(self.settings, autocommit=True) as conn:
            conn.execute(
                "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = %s", [self.name]
            )

    @property
    def _connector(self) -> str:
        return f"{self.settings.connect_url}/connectors/{self.name}"


@contextmanager
def bench(
    spark: SparkSession, database: Settings, home: Path, contracts: Sequence[Contract], ddl: str = ""
) -> Iterator[Bench]:
    """Give a bench for these tables; `ddl` makes those that the database does not have yet."""
    own = [replace(contract, prefix=database.db_name) for contract in contracts]
    catalog = Catalog(str(home / "lake"))
    catalog.make_quarantine()
    for contract in own:
        catalog.make_silver(contract)
    made = Bench(database, Lake(spark, catalog), own, _config(database, own))
    if ddl:
        made.execute(ddl)
    made.execute(*(f"CALL public.capture('{one.schema}.{one.table}')" for one in own))
    try:
        yield made
    finally:
        made.close()


def _config(database: Settings, contracts: Sequence[Contract]) -> dict[str, str]:
    captured = [*(f"{one.schema}.{one.table}" for one in contracts), "cdc.heartbeat", "cdc.signal"]
    own: Mapping[str, str] = {
        "topic.prefix": database.db_name,
        "slot.name": database.db_name,
        "table.include.list": ",".join(captured),
    }
    return configuration({**topics.connector_file(), **own}, database)
