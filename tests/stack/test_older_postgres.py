"""A Postgres restored from a backup is noticed, and so is a slot that Postgres gave up; one command mends both.

On a Postgres of its own: it is stopped, and its files are put back.
"""

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from lakehouse.errors import WrongSource
from lakehouse.local.addresses import on_free_ports
from lakehouse.local.service import Service
from lakehouse.local.services import services
from lakehouse.local.stack import Stack
from lakehouse.settings import Settings
from lakehouse.source import signals, topics
from lakehouse.source.connector import Connect
from lakehouse.source.identity import require_no_older
from lakehouse.source.postgres import connect, wal_end
from lakehouse.source.registrar import Registrar
from lakehouse.waiting import wait_until
from spark.messages import SHOES
from stack.compare import differences
from stack.databases import fresh_database
from stack.lab import Bench, bench

pytestmark = pytest.mark.long

TABLE = """
    CREATE TABLE shoes (id int PRIMARY KEY, size int, note text, price numeric(12,2));
    INSERT INTO shoes SELECT n, n, 'first', n FROM generate_series(1, 9) n
"""


def with_little_patience(home: Path, settings: Settings) -> list[Service]:
    """Give the services, Postgres one that gives up a slot soon."""
    little = ("-c", "max_slot_wal_keep_size=64MB")
    return [
        replace(one, command=(*one.command, *little)) if one.name == "postgres" else one
        for one in services(home, settings)
    ]


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    home = tmp_path_factory.mktemp("own")
    stack = Stack(home, on_free_ports(home), made_of=with_little_patience)
    try:
        stack.up("postgres", "kafka", "connect")
        yield stack
    finally:
        stack.down()


@pytest.fixture
def shoes(own: Stack, spark: SparkSession, tmp_path: Path) -> Iterator[Bench]:
    with fresh_database(own.settings) as database, bench(spark, database, tmp_path, [SHOES], TABLE) as made:
        made.start()
        made.refresh()
        yield made


@pytest.fixture
def connector(shoes: Bench) -> Iterator[Connect]:
    with shoes.connector() as connector:
        yield connector


def look(settings: Settings, connector: Connect) -> None:
    """Have a look as the registrar that comes back after Postgres did."""
    admin = topics.admin(settings)
    try:
        with connect(settings, autocommit=True) as conn:
            Registrar(settings, admin, conn, connector).stop_where_older()
    finally:
        admin.close()


def test_a_restored_backup_is_noticed_and_the_lake_follows_it(own: Stack, shoes: Bench, connector: Connect) -> None:
    data = own.home / "postgres" / "data"
    own.down("postgres")
    subprocess.run(["cp", "-a", data, data.with_name("backup")], check=True)
    own.up("postgres")
    # More than what Postgres writes by itself before anybody looks.
    shoes.execute("SELECT pg_logical_emit_message(false, 'noise', repeat('x', 1000000))")
    shoes.execute("DELETE FROM shoes WHERE id < 4", "INSERT INTO shoes VALUES (20, 20, 'never was', 1)")
    shoes.refresh()
    with connect(shoes.settings) as conn:
        end = wal_end(conn)
    wait_until(lambda: connector.read_up_to() >= end, timeout=60, missing="the connector to note where it is")
    own.down("postgres")
    shutil.rmtree(data)
    data.with_name("backup").rename(data)
    own.up("postgres")
    with pytest.raises(WrongSource, match="A backup was restored"):
        require_no_older(shoes.settings, shoes.lake.catalog, shoes.contracts)
    look(shoes.settings, connector)
    wait_until(
        lambda: (state := connector.state()) and state.stopped, timeout=60, missing="the connector to be stopped"
    )
    # Over the numbers that were given before.
    shoes.execute("DELETE FROM shoes WHERE id < 3", "INSERT INTO shoes VALUES (21, 21, 'since then', 1)")
    shoes.read_anew()
    require_no_older(shoes.settings, shoes.lake.catalog, shoes.contracts)
    shoes.execute("UPDATE shoes SET size = 99 WHERE id = 4")
    shoes.refresh()
    assert differences(shoes, shoes.contracts[0]) == []
    assert {row.id for row in shoes.lake.silver(shoes.contracts[0]).collect()} == {*range(3, 10), 21}


def test_a_slot_that_postgres_gave_up_is_noticed_and_what_was_lost_comes_back(shoes: Bench, connector: Connect) -> None:
    connector.stop()
    wait_until(lambda: not shoes.streams(), timeout=60, missing="the connector to leave its slot")
    a_lot = "SELECT pg_logical_emit_message(false, 'noise', repeat('x', 1000000)) FROM generate_series(1, 200)"
    shoes.execute(
        "DELETE FROM shoes WHERE id < 4",
        a_lot,
        "CHECKPOINT",
    )
    connector.resume()
    with connect(shoes.settings) as conn:
        assert signals.given_up(conn, shoes.name)
    shoes.read_anew()
    shoes.refresh()
    assert differences(shoes, shoes.contracts[0]) == []
    assert shoes.lake.silver(shoes.contracts[0]).count() == 6
