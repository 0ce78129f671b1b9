"""Streams from topics into Bronze: contracts, engine, lease and supervisor put together."""

import time
from collections.abc import Callable
from contextlib import closing
from functools import partial

from pyspark.sql.streaming.query import StreamingQuery

from lakehouse import logs
from lakehouse.capture.leased_lake import fence_bronze
from lakehouse.capture.offset_watch import OffsetWatch
from lakehouse.cdc import bronze
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.source_identity import create_bronze_tables, resolve_starting_offsets
from lakehouse.cdc.source_timeline import record_timeline
from lakehouse.cdc.table_store import TableStore
from lakehouse.contracts import CAPTURED
from lakehouse.errors import LockHeld, NotReady
from lakehouse.healthcheck import make_heartbeat
from lakehouse.kafka_login import spark_options
from lakehouse.retries import StopSignal, log_new_reasons, retry_until_stopped
from lakehouse.settings import Settings
from lakehouse.source.commit_ledger import writable_store
from lakehouse.source.lake_marks import renew_mark
from lakehouse.source.lease import Lease
from lakehouse.source.source_check import ensure_same_postgres, ensure_source_not_rewound, read_source_identity
from lakehouse.spark.session import session
from lakehouse.spark.stream_supervisor import supervise

MARK_INTERVAL_S = 60.0


def run_streams(settings: Settings, stop: StopSignal) -> None:
    """Append every change of the captured tables to Bronze, one stream a table, until `stop` is set.

    Waits while another stream reads this Postgres, and logs once whom it waits for.
    """
    log = logs.logger("stream")
    retry_outages = partial(retry_until_stopped, on=(NotReady,), log=log.warning, stop=stop)
    with closing(Lease(settings, "stream")) as lease, writable_store(settings, "stream") as store:
        existing = [contract for contract in CAPTURED if store.exists("bronze", contract.table)]
        # Before the lease: a lake of another Postgres is refused at once, also while that one's own stream runs.
        retry_outages(lambda: ensure_same_postgres(settings, store, existing))
        retry_until_stopped(lease.acquire, on=(NotReady, LockHeld), log=log_new_reasons(log.warning), stop=stop)
        if stop.is_set():
            return
        # The JVM starts first: it takes longer than the connector's topics, which the next line waits for.
        with session(settings, "stream") as spark:
            retry_outages(lambda: create_bronze_tables(store, read_source_identity(settings, CAPTURED), *CAPTURED))
            lake, watch = Lake(spark, store), OffsetWatch(store)
            starts = {
                contract.table: partial(start_watched_stream, settings, lake, lease, watch, contract)
                for contract in CAPTURED
            }
            check = make_stream_check(make_source_check(settings, store, lease), watch)
            supervise(starts, log, stop.wait, make_heartbeat(settings.heartbeat_file), check=check)


def make_stream_check(ensure_source: Callable[[], None], watch: OffsetWatch) -> Callable[[], None]:
    """Return a check of the source, then of the tables' offsets."""

    def check() -> None:
        ensure_source()
        watch.ensure_regular()

    return check


def start_watched_stream(
    settings: Settings, lake: Lake, lease: Lease, watch: OffsetWatch, contract: Contract
) -> StreamingQuery:
    """Start a contract's stream, and have its tables' offsets looked at."""
    query = start_stream(settings, lake, lease, contract)
    watch.add(contract)
    return query


def make_source_check(
    settings: Settings, store: TableStore, lease: Lease, clock: Callable[[], float] = time.monotonic
) -> Callable[[], None]:
    """Return a check of the lease, and once a minute of the lake's mark in Postgres.

    Streams whose lease was lost write nothing, fail at their next batch and start again under the new lease. An idle
    one would notice nothing. Raises LakehouseError with what is awaited.
    """
    mark_due_at = clock() + MARK_INTERVAL_S

    def check() -> None:
        nonlocal mark_due_at
        lease.acquire()
        if clock() >= mark_due_at:
            renew_mark(settings, store)
            mark_due_at = clock() + MARK_INTERVAL_S  # a failed one is repeated at the next check

    return check


def start_stream(settings: Settings, lake: Lake, lease: Lease, contract: Contract) -> StreamingQuery:
    """Fence a contract's Bronze table, and start its stream at the offset after the table's last one.

    Raises LakehouseError where the table belongs to another source, or another process has the lease.
    """
    leased_lake = fence_bronze(lake, lease, contract)
    source = read_source_identity(settings, [contract])
    starting_offsets = resolve_starting_offsets(lake.store, source, contract)
    record_timeline(lake.store, source.timeline, contract)
    ensure_source_not_rewound(settings, lake.store, [contract])
    return bronze.start_stream(leased_lake, contract, spark_options(settings), starting_offsets)
