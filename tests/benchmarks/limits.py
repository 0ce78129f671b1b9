"""The limits: the same changes through Postgres's decoding, a Kafka client, delta-rs or Spark alone."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.jobs import run_timed
from benchmarks.system import BenchmarkSystem
from lakehouse.contracts import STRAVA_ACTIVITIES
from lakehouse.local.postgres_server import binary_path
from lakehouse.passwords import read_password
from lakehouse.source import topics
from lakehouse.source.postgres import LONG_DEADLINE_S, connect

SLOT_NAME = "bench"
SINK_BATCH_ROWS = 50_000  # rows in an append of the Python consumer


@contextmanager
def replication_slot(system: BenchmarkSystem) -> Iterator[None]:
    """Create a replication slot, and drop it when the block ends."""
    with connect(system.settings, autocommit=True, deadline=LONG_DEADLINE_S) as conn:
        conn.execute("SELECT pg_create_logical_replication_slot(%s, 'pgoutput')", [SLOT_NAME])
        yield
        conn.execute("SELECT pg_drop_replication_slot(%s)", [SLOT_NAME])


def decoding_seconds(system: BenchmarkSystem) -> float:
    """Return the seconds that Postgres takes to decode all changes waiting in the slot, by pg_recvlogical."""
    settings = system.settings
    with connect(settings) as conn:
        [end] = conn.execute("SELECT pg_current_wal_insert_lsn()::text").fetchone() or [""]
    where = ("--host", settings.db_host, "--port", str(settings.db_port), "--username", settings.db_user)
    options = ("-o", "proto_version=1", "-o", "publication_names=rh_sport", "--endpos", end, "--no-loop")
    command = (str(binary_path("pg_recvlogical")), *where, "--dbname", settings.db_name, "--slot", SLOT_NAME, *options)
    password = {"PGPASSWORD": read_password(settings, "db_password")}
    started_at = time.monotonic()
    subprocess.run(
        [*command, "--start", "--file", "-"], env={**os.environ, **password}, stdout=subprocess.DEVNULL, check=True
    )
    return time.monotonic() - started_at


def consumer_rate(system: BenchmarkSystem) -> float:
    """Return the messages a second that kafka-python reads, over the whole topic."""
    count, started_at = 0, time.monotonic()
    with topics.consumer_session(system.settings, [STRAVA_ACTIVITIES.topic]) as reader:
        [end] = topics.end_offsets(reader).values()
        while count < end:
            count += sum(map(len, reader.poll(1_000, max_records=5_000).values()))
    return count / (time.monotonic() - started_at)


def python_sink_rate(system: BenchmarkSystem, row_count: int) -> float:
    """Return the rows a second that a Python consumer appends with delta-rs, its start included."""
    scratch = str(system.stack.home / "limit")
    options = ("--table", scratch, "--rows", str(SINK_BATCH_ROWS), "--upto", str(row_count))
    return (
        row_count / run_timed(system, system.settings, sys.executable, "-m", "benchmarks.python_sink", *options).seconds
    )


def spark_rate(system: BenchmarkSystem, source: str) -> float:
    """Return the rows a second that Spark reads from Kafka (`kafka`), or reads from Bronze and parses (`parse`)."""
    command = (sys.executable, "-m", "benchmarks.spark_limits", source)
    with system.start_process(system.settings, *command, stdout=subprocess.PIPE) as running:
        output, _ = running.communicate()
    return float(output.split()[-1])
