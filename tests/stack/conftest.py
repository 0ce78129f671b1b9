"""What the stack tests share: one stack for the whole run, on free ports, with a fake Slack."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from lakehouse.http_session import external_session
from lakehouse.local.stack import Stack
from lakehouse.retries import wait_until
from lakehouse.settings import Settings
from lakehouse.slack.dispatcher import Sender
from lakehouse.source.connect_client import ConnectClient
from lakehouse.source.postgres import Connection, connect
from stack import hazard_tables
from stack.activity_events import insert_employee, insert_go_live
from stack.cdc_harness import CdcHarness, HarnessFactory, open_harness
from stack.databases import fresh_database, sessions_of_this_process
from stack.own_services import services_of_tests
from support.fake_slack import FakeSlack
from support.system import System
from support.timing import seconds

STACK_SETTINGS = pytest.StashKey[Settings]()


@pytest.fixture(scope="session")
def slack() -> Iterator[FakeSlack]:
    """Yield a Slack that accepts every message."""
    with FakeSlack() as slack:
        yield slack


@pytest.fixture(scope="session")
def stack(
    tmp_path_factory: pytest.TempPathFactory, slack: FakeSlack, request: pytest.FixtureRequest
) -> Iterator[Stack]:
    """Yield the whole system, running."""
    with System.define(tmp_path_factory.mktemp("stack"), slack, service_factory=services_of_tests) as system:
        system.stack.up()
        request.config.stash[STACK_SETTINGS] = system.stack.settings
        yield system.stack


@pytest.fixture(scope="module", autouse=True)
def sessions_end_with_each_file(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail after a file whose tests left a connection to Postgres open; a file without `stack` does not start it."""
    yield
    settings = request.config.stash.get(STACK_SETTINGS, None)
    if settings is not None:
        wait_until(
            lambda: not sessions_of_this_process(settings),
            timeout=seconds(10),
            missing=lambda: f"the file's sessions to end: {sessions_of_this_process(settings)}",
        )


@pytest.fixture(scope="session")
def settings(stack: Stack) -> Settings:
    return stack.settings


@pytest.fixture
def database(settings: Settings) -> Iterator[Settings]:
    """Yield a new database in the one server of the run."""
    with fresh_database(settings) as own:
        yield own


@pytest.fixture
def make_harness(spark: SparkSession, database: Settings, tmp_path: Path) -> Iterator[HarnessFactory]:
    """Return what opens a harness: captured tables in a fresh database, with a connector and a lake of their own."""
    with ExitStack() as harnesses:
        yield lambda contracts, ddl="": harnesses.enter_context(open_harness(spark, database, tmp_path, contracts, ddl))


@pytest.fixture
def connector(harness: CdcHarness) -> Iterator[ConnectClient]:
    """Yield a client for the connector of the file's own harness."""
    with harness.connector() as connector:
        yield connector


@pytest.fixture
def live_conn(database: Settings) -> Iterator[Connection]:
    """Yield a connection to a new database with one employee, in which the system is live."""
    with connect(database, autocommit=True) as conn:
        insert_employee(conn, 10)
        insert_go_live(conn)
        yield conn


@pytest.fixture
def own_slack() -> Iterator[FakeSlack]:
    """Yield a Slack of the test's own, that accepts every message which the test does not expect otherwise."""
    with FakeSlack() as slack:
        yield slack


@pytest.fixture
def sender(own_slack: FakeSlack) -> Iterator[Sender]:
    """Yield a sender to the test's own Slack."""
    with external_session() as session:
        yield Sender(session, own_slack.webhook)


@pytest.fixture(scope="session")
def hazard_harness(
    spark: SparkSession, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[CdcHarness]:
    """Return the one connector, database and lake that most hazards share, after its first snapshot."""
    home = tmp_path_factory.mktemp("hazards")
    with (
        fresh_database(settings) as database,
        open_harness(spark, database, home, hazard_tables.CONTRACTS, hazard_tables.DDL) as harness,
    ):
        harness.create_topics("transaction")
        harness.register_connector(**hazard_tables.CONFIG)
        yield harness


@pytest.fixture
def share_harness(hazard_harness: CdcHarness) -> Iterator[HarnessFactory]:
    """Return what opens a harness of some of the hazards' tables, whose streams run until the test ends."""
    with ExitStack() as harnesses:
        yield lambda *contracts: harnesses.enter_context(hazard_harness.streaming(contracts))
