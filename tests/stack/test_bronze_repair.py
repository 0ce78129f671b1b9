"""Law 1: a planted gap, a planted duplicate, and both in one file are each reported and mended on real services."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from threading import Thread

import pytest
from kafka import TopicPartition as KafkaPartition
from pyspark.sql import functions as F
from structlog.testing import capture_logs
from structlog.typing import EventDict

from chaos.offset_checker import bronze_table, versions_table
from chaos.planted_offsets import PlantedFault, find_unreported_faults, plant
from lakehouse.capture.bronze_repair import ensure_repaired, repair_bronze, repair_tables
from lakehouse.capture.offset_watch import OffsetWatch
from lakehouse.capture.streams import start_watched_stream
from lakehouse.cdc import bronze, table_stats
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.merge.silver import reset_table
from lakehouse.cdc.offset_check import find_offset_problems
from lakehouse.cdc.offsets import Offsets, TopicPartition
from lakehouse.cdc.repair import RepairResult
from lakehouse.errors import LockHeld, OffsetMismatch
from lakehouse.kafka_login import spark_options
from lakehouse.local.stack import Stack
from lakehouse.logs import logger
from lakehouse.reconcile.reconcile import reconcile
from lakehouse.reconcile.reconcile_report import verdict
from lakehouse.retries import StopSignal, wait_until
from lakehouse.settings import ROOT, Settings
from lakehouse.source import topics
from lakehouse.source.lease import Lease
from lakehouse.source.source_check import read_source_identity
from lakehouse.spark.stream_supervisor import supervise
from spark.messages import SHOES
from stack.cdc_harness import CdcHarness, HarnessFactory
from stack.silver_diff import differences
from support.timing import seconds

TABLE = """
    CREATE TABLE shoes (id int PRIMARY KEY, size int, note text, price numeric(12,2));
    INSERT INTO shoes SELECT n, n, 'first', n FROM generate_series(0, 5) n
"""
ONLY_PARTITION = TopicPartition(0, 0)
MISSING_ROW, DOUBLED_ROW = PlantedFault(ONLY_PARTITION, missing=2), PlantedFault(ONLY_PARTITION, doubled=3)
BOTH_IN_ONE_FILE = PlantedFault(ONLY_PARTITION, missing=2, doubled=3)
ALL_FAULTS = pytest.mark.parametrize(
    "fault",
    [*(pytest.param(fault, marks=pytest.mark.long) for fault in (MISSING_ROW, DOUBLED_ROW)), BOTH_IN_ONE_FILE],
    ids=["gap", "duplicate", "both"],
)


@pytest.fixture
def harness(make_harness: HarnessFactory) -> CdcHarness:
    """Return a harness whose Silver has merged seven messages; its streams are stopped."""
    harness = make_harness([SHOES], TABLE)
    harness.start()
    harness.drain()
    harness.execute("UPDATE shoes SET size = 60 WHERE id = 3")
    harness.merge_silver()
    harness.stop_streams()
    return harness


def lake_root(harness: CdcHarness) -> Path:
    return Path(harness.lake.store.root)


def own_lake(harness: CdcHarness) -> Settings:
    return harness.settings.model_copy(update={"lake_uri": harness.lake.store.root})


def stored_offsets(harness: CdcHarness) -> list[int]:
    return sorted(row.offset for row in harness.lake.read("bronze", "shoes").select("offset").collect())


def findings(harness: CdcHarness, contract: Contract, *, read_all: bool = True) -> list[str]:
    return [one.finding for one in find_offset_problems(harness.lake.store, contract, read_all=read_all)]


def repair(harness: CdcHarness) -> list[RepairResult]:
    settings = own_lake(harness)
    with closing(Lease(settings, "stream")) as lease:
        return repair_tables(settings, harness.lake, lease, harness.contracts)


@ALL_FAULTS
def test_repair_mends_the_fault_and_silver_follows(harness: CdcHarness, fault: PlantedFault) -> None:
    [shoes] = harness.contracts
    plant(bronze_table(lake_root(harness), shoes), fault)
    assert len(findings(harness, shoes)) == 1
    results = repair(harness)
    ensure_repaired(results)
    assert [result.messages_refilled for result in results] == [1 if fault.missing else 0]
    assert stored_offsets(harness) == [*range(7)]
    harness.start_streams()
    harness.execute("UPDATE shoes SET size = 61 WHERE id = 4")
    [caught_up] = harness.merge_silver()
    assert caught_up.changes == 8  # all of Bronze, again
    assert differences(harness, shoes) == []
    assert findings(harness, shoes) == []


@pytest.mark.long
def test_repair_of_a_regular_table_changes_nothing(harness: CdcHarness) -> None:
    [result] = repair(harness)
    assert (result.found.is_regular, result.messages_refilled) == (True, 0)
    assert merged_changes(harness) == 0


def merged_changes(harness: CdcHarness) -> int:
    """Start the stream, merge what is committed now, and return how many changes were read."""
    harness.start_streams()
    [result] = harness.merge_silver()
    return result.changes


def test_forged_row_of_a_known_offset_is_replaced_by_the_message_of_the_topic(harness: CdcHarness) -> None:
    [shoes] = harness.contracts
    forged = harness.lake.read("bronze", "shoes").where("offset = 6")
    harness.lake.append(
        forged.withColumn("value", F.regexp_replace("value", '"size":60', '"size":90')), "bronze", "shoes"
    )
    ensure_repaired(repair(harness))
    assert merged_changes(harness) == 7  # the stream has read the last one again
    assert stored_offsets(harness) == [*range(7)]
    assert differences(harness, shoes) == []


def test_repair_waits_for_the_lease_of_a_running_stream_and_says_how_to_stop_it(harness: CdcHarness) -> None:
    settings = own_lake(harness)
    with closing(Lease(settings, "stream")) as lease:
        lease.acquire()
        with pytest.raises(LockHeld, match="docker-compose stop stream-processor"):
            repair_bronze(settings, harness.lake.store, harness.contracts, timeout=0)


@pytest.mark.parametrize(
    "fault", [pytest.param(MISSING_ROW, marks=pytest.mark.long), DOUBLED_ROW], ids=["gap", "duplicate"]
)
def test_stream_mends_a_gap_and_reports_a_duplicate_while_it_reads_on(harness: CdcHarness, fault: PlantedFault) -> None:
    [shoes] = harness.contracts
    plant(bronze_table(lake_root(harness), shoes), fault)
    with supervised(harness) as (beats, logs):
        harness.execute("UPDATE shoes SET size = 61 WHERE id = 4")
        wait_until(lambda: last_offset(harness) == 7, timeout=seconds(60), missing="the change in Bronze")
        if fault is MISSING_ROW:
            wait_until(lambda: beats, timeout=seconds(30), missing="a heartbeat")
            assert findings(harness, shoes) == []
        else:
            wait_until(lambda: reasons_in(logs), timeout=seconds(30), missing="the reason why it is not ready")
            reasons = reasons_in(logs)
            assert len(reasons) == 1
            assert "bronze/shoes has more than once partition 0, offsets 3 to 3" in reasons[0]
            assert "repair_bronze.py --table shoes" in reasons[0]
            assert not beats
    if fault is DOUBLED_ROW:
        repair(harness)
        with supervised(harness) as (beats, _):
            wait_until(lambda: beats, timeout=seconds(60), missing="a heartbeat after the repair")


@pytest.mark.long
def test_stream_reports_a_gap_of_the_versions_until_silver_is_rebuilt(harness: CdcHarness) -> None:
    [shoes] = harness.contracts
    plant(versions_table(lake_root(harness), shoes), MISSING_ROW)
    watch = OffsetWatch(harness.lake.store, clock=iter(range(0, 1_000, 100)).__next__)
    watch.add(shoes)
    with pytest.raises(OffsetMismatch, match=r"silver/shoes_versions lacks partition 0, offsets 2 to 2\..*--rebuild"):
        watch.ensure_regular()
    reset_table(harness.lake, shoes)
    assert merged_changes(harness) == 7
    watch.ensure_regular()


@ALL_FAULTS
def test_reconcile_reports_the_fault_with_its_command(harness: CdcHarness, fault: PlantedFault) -> None:
    [shoes] = harness.contracts
    plant(bronze_table(lake_root(harness), shoes), fault)
    results = reconcile(harness.settings, harness.lake, harness.contracts, timeout=seconds(60), max_differences=5)
    text = verdict(results)
    assert text
    assert ("lacks partition 0, offsets 2 to 2" in text) == (fault.missing is not None)
    assert ("has more than once partition 0, offsets 3 to 3" in text) == (fault.doubled is not None)
    assert "repair_bronze.py --table shoes" in text


def test_refresh_goes_on_past_a_gap_that_the_topic_no_longer_has(harness: CdcHarness) -> None:
    """The stream reads on, a refill is refused for this table alone, and a resnapshot acknowledges the gap."""
    [shoes] = harness.contracts
    plant(bronze_table(lake_root(harness), shoes), MISSING_ROW)
    delete_records_before(harness.settings, shoes, 5)
    harness.start_streams()
    harness.execute("UPDATE shoes SET size = 61 WHERE id = 4")
    harness.drain()
    with capture_logs() as logs:
        identify = partial(read_source_identity, harness.settings)
        bronze.refill_gaps(harness.lake, [shoes], spark_options(harness.settings), identify)
    assert logs == []
    assert findings(harness, shoes) == ["bronze/shoes lacks partition 0, offsets 2 to 2"]
    harness.stop_streams()
    with pytest.raises(OffsetMismatch, match=r"offsets 2 to 2: the topic does not have it any more.*resnapshot\.py"):
        ensure_repaired(repair(harness))
    harness.resnapshot()
    harness.start_streams()
    harness.merge_silver()
    assert findings(harness, shoes) == []
    assert differences(harness, shoes) == []


@pytest.mark.long
def test_each_planted_fault_is_reported_on_a_copy_of_the_lake(harness: CdcHarness) -> None:
    assert find_unreported_faults(lake_root(harness), harness.contracts) == []
    assert findings(harness, harness.contracts[0]) == []


def test_dry_run_reads_every_offset_of_the_running_system(stack: Stack) -> None:
    command = [sys.executable, "scripts/Jobs_Spark/repair_bronze.py", "--dry-run"]
    completed = subprocess.run(command, cwd=ROOT, env=stack.environment(), capture_output=True, text=True, check=True)
    assert "Each offset is there once." in completed.stdout


def reasons_in(logs: list[EventDict]) -> list[str]:
    return [str(line["reason"]) for line in logs if line["event"] == "streams_not_ready"]


def last_offset(harness: CdcHarness) -> int:
    ends: Offsets = table_stats.bronze_offsets(harness.lake.store, harness.contracts[0])
    return ends[ONLY_PARTITION]


@contextmanager
def supervised(harness: CdcHarness) -> Iterator[tuple[list[None], list[EventDict]]]:
    """Run the table's stream as the stream processor does; yield its heartbeats and its log."""
    settings, store, [shoes] = own_lake(harness), harness.lake.store, harness.contracts
    beats: list[None] = []
    stop, watch = StopSignal(), OffsetWatch(store)
    with closing(Lease(settings, "stream")) as lease, capture_logs() as logs:
        start = partial(start_watched_stream, settings, harness.lake, lease, watch, shoes)
        arguments = ({"shoes": start}, logger("stream"), stop.wait, lambda: beats.append(None))
        thread = Thread(target=supervise, args=arguments, kwargs={"check": watch.ensure_regular})
        thread.start()
        try:
            wait_until(
                lambda: any(line["event"] == "stream_started" for line in logs), timeout=seconds(60), missing="a start"
            )
            yield beats, logs
        finally:
            stop.set()
            thread.join(timeout=seconds(60))


def delete_records_before(settings: Settings, contract: Contract, offset: int) -> None:
    admin = topics.admin_client(settings)
    try:
        admin.delete_records({KafkaPartition(contract.topic, 0): offset})
    finally:
        admin.close()
