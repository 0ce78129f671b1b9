"""A Postgres that answers nothing hangs nobody: each question has a deadline, and what depends on it is not ready.

A frozen backend is stopped by SIGSTOP: its kernel goes on acknowledging. A cut network forwards nothing.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from functools import partial
from pathlib import Path
from threading import Thread

import psutil
import pytest
from pyspark.sql import SparkSession
from structlog.testing import capture_logs
from structlog.typing import EventDict

from lakehouse.capture.streams import make_source_check, start_stream
from lakehouse.cdc import table_stats
from lakehouse.cdc.source_identity import create_bronze_tables
from lakehouse.errors import LockLost
from lakehouse.healthcheck import STREAM_HEARTBEAT_LIMIT_S
from lakehouse.local.stack import Stack
from lakehouse.logs import logger
from lakehouse.retries import StopSignal, wait_until
from lakehouse.settings import Settings
from lakehouse.source.lease import Lease
from lakehouse.source.postgres import Connection, DeadlineExceeded, connect
from lakehouse.source.source_check import read_source_identity
from lakehouse.spark.stream_supervisor import supervise
from spark.messages import SHOES
from stack.cdc_harness import CdcHarness, HarnessFactory
from support.tcp_proxy import tcp_proxy
from support.timing import seconds

TABLE = """
    CREATE TABLE shoes (id int PRIMARY KEY, size int, note text, price numeric(12,2));
    INSERT INTO shoes SELECT n, n, 'first', n FROM generate_series(1, 9) n
"""
LATE_CALL = """
from lakehouse.settings import Settings
from lakehouse.source.postgres import DeadlineExceeded, connect

conn = connect(Settings(), deadline=1.0)
print("connected", flush=True)
input()
try:
    conn.execute("SELECT 1")
except DeadlineExceeded as error:
    print(error)
"""
OUTAGE_S, NOT_READY_WITHIN_S, BACK_WITHIN_S = 60.0, 30.0, 10.0


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """Stop a process by SIGSTOP until the block ends."""
    process = psutil.Process(pid)
    process.suspend()
    try:
        yield
    finally:
        process.resume()


@pytest.mark.parametrize(
    "call",
    [
        lambda conn: conn.execute("SELECT 1"),
        lambda conn: conn.execute_many("SELECT %s", [(1,)]),
        lambda conn: conn.copy("COPY shoes FROM STDIN", [(1,)]),
        Connection.commit,
        Connection.rollback,
    ],
    ids=["execute", "execute_many", "copy", "commit", "rollback"],
)
def test_call_to_a_frozen_backend_ends_at_its_deadline(
    database: Settings, call: Callable[[Connection], object]
) -> None:
    with closing(connect(database, deadline=1.0)) as conn:
        conn.execute("CREATE TEMP TABLE shoes (id int)")
        with frozen(conn.info.backend_pid):
            started_at = time.monotonic()
            with pytest.raises(DeadlineExceeded, match="did not answer within 1 s"):
                call(conn)
            conn.close()
            assert time.monotonic() - started_at < seconds(5)
        assert conn.closed


def test_call_over_a_network_that_drops_packets_ends_at_its_deadline(stack: Stack) -> None:
    """In a process of its own: what keeps Python's interpreter lock would stop this one, and the proxy with it."""
    with tcp_proxy(stack.settings.db_host, stack.settings.db_port) as proxy:
        environment = {**stack.environment(), "DB_PORT": str(proxy.port)}
        command = [sys.executable, "-c", LATE_CALL]
        with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            try:
                assert process.stdout
                assert process.stdout.readline() == b"connected\n"
                with proxy.cut():
                    output, _ = process.communicate(b"go on\n", timeout=seconds(30))
            finally:
                process.kill()
    assert output == b"Postgres did not answer within 1 s; the connection was closed\n"


def test_closing_a_connection_to_a_frozen_backend_returns_at_once(database: Settings) -> None:
    conn = connect(database)
    conn.execute("SELECT 1")
    with frozen(conn.info.backend_pid):
        started_at = time.monotonic()
        conn.close()
        assert time.monotonic() - started_at < seconds(5)


def test_statement_that_states_a_longer_deadline_is_waited_for(database: Settings) -> None:
    with connect(database, deadline=0.5) as conn, conn.deadline(seconds(30)):
        assert conn.execute("SELECT pg_sleep(1)").rowcount == 1


def test_lease_whose_backend_is_frozen_is_lost_and_its_process_named(database: Settings, tmp_path: Path) -> None:
    own = database.model_copy(update={"lake_uri": str(tmp_path)})
    with closing(Lease(own, "stream", deadline=1.0)) as lease:
        epoch, pid = lease.acquire(), lease.backend_pid
        assert pid is not None
        with frozen(pid):
            with pytest.raises(LockLost):
                lease.ensure_held(epoch)
            with pytest.raises(Exception, match=rf"waits for Postgres process {pid}, which does not answer"):
                lease.acquire()
        assert lease.acquire(timeout=seconds(30)) > epoch


class SupervisedStream:
    """The stream of a harness's table, supervised as by the stream processor, with its heartbeats and its log."""

    def __init__(self, harness: CdcHarness, settings: Settings, lease: Lease) -> None:
        self.harness, self.settings, self.lease = harness, settings, lease
        self.last_beat = 0.0
        self.stop = StopSignal()

    def is_ready(self) -> bool:
        """Return what the health check sees: a fresh heartbeat."""
        return time.monotonic() - self.last_beat <= STREAM_HEARTBEAT_LIMIT_S

    def rows(self) -> int:
        store = self.harness.lake.store
        return table_stats.row_count(store, "bronze", SHOES.table) if store.exists("bronze", SHOES.table) else 0

    def run(self) -> None:
        [shoes] = self.harness.contracts
        create_bronze_tables(self.harness.lake.store, read_source_identity(self.settings, [shoes]), shoes)
        start = partial(start_stream, self.settings, self.harness.lake, self.lease, shoes)
        check = make_source_check(self.settings, self.harness.lake.store, self.lease)
        supervise({"shoes": start}, logger("stream"), self.stop.wait, self._beat, check=check)

    def _beat(self) -> None:
        self.last_beat = time.monotonic()


@contextmanager
def supervised(harness: CdcHarness, settings: Settings) -> Iterator[tuple[SupervisedStream, list[EventDict]]]:
    with closing(Lease(settings, "stream")) as lease, capture_logs() as logs:
        stream = SupervisedStream(harness, settings, lease)
        thread = Thread(target=stream.run)
        thread.start()
        try:
            wait_until(lambda: stream.rows() >= 9, timeout=seconds(60), missing="the snapshot in Bronze")
            wait_until(stream.is_ready, timeout=seconds(30), missing="the first heartbeat")
            yield stream, logs
        finally:
            stream.stop.set()
            thread.join(timeout=seconds(60))


def survive(
    stream: SupervisedStream, outage: AbstractContextManager[None], logs: list[EventDict], awaited: str
) -> None:
    """Change a row in an outage of a minute: nothing is written, the stream is not ready, and both come back."""
    before = stream.rows()
    with outage:
        began = time.monotonic()
        stream.harness.execute("UPDATE shoes SET size = 99 WHERE id = 1")
        wait_until(lambda: not stream.is_ready(), timeout=NOT_READY_WITHIN_S, missing="the stream to be not ready")
        reasons = [str(line.get("reason") or line.get("error")) for line in logs if line["log_level"] == "error"]
        assert any(awaited in reason for reason in reasons), reasons
        wait_until(lambda: time.monotonic() - began >= OUTAGE_S, timeout=2 * OUTAGE_S, missing="the end of the outage")
        assert stream.rows() == before
        assert not stream.is_ready()
    wait_until(
        lambda: stream.rows() == before + 1 and stream.is_ready(),
        timeout=seconds(BACK_WITHIN_S),
        missing=lambda: f"the change in Bronze ({stream.rows() - before}), ready: {stream.is_ready()}",
    )


def own_lake(harness: CdcHarness) -> Settings:
    return harness.settings.model_copy(update={"lake_uri": harness.lake.store.root})


@pytest.fixture
def harness(make_harness: HarnessFactory, spark: SparkSession) -> CdcHarness:
    assert spark
    harness = make_harness([SHOES], TABLE)
    harness.register_connector()
    return harness


@pytest.mark.long
def test_stream_survives_a_frozen_backend_of_its_lease(harness: CdcHarness) -> None:
    with supervised(harness, own_lake(harness)) as (stream, logs):
        pid = stream.lease.backend_pid
        assert pid is not None
        survive(stream, frozen(pid), logs, f"Postgres process {pid}")


@pytest.mark.long
def test_stream_survives_a_network_that_drops_packets(harness: CdcHarness) -> None:
    with tcp_proxy(harness.settings.db_host, harness.settings.db_port) as proxy:
        settings = own_lake(harness).model_copy(update={"db_port": proxy.port})
        with supervised(harness, settings) as (stream, logs):
            survive(stream, proxy.cut(), logs, f"127.0.0.1:{proxy.port}")
