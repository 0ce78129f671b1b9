"""Law 9: one lake, one source, one writer; a mismatch is refused with its remedy, and nothing is written."""

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from lakehouse.capture.streams import run_streams
from lakehouse.cdc.fence import WriterLease, fence_table, highest_fence
from lakehouse.cdc.source_identity import SYSTEM_IDENTIFIER_PROPERTY, TOPIC_ID_PROPERTY, resolve_starting_offsets
from lakehouse.cdc.table_store import TableStore
from lakehouse.contracts import CAPTURED, RH_EMPLOYEES
from lakehouse.errors import LockHeld, LockLost, SourceMismatch
from lakehouse.local.stack import Stack
from lakehouse.retries import StopSignal, wait_until
from lakehouse.serving.client import query
from lakehouse.settings import ROOT, Settings
from lakehouse.source.lease import Lease, advance_numbers
from lakehouse.source.postgres import connect
from lakehouse.source.roles import as_worker
from lakehouse.source.source_check import read_source_identity
from lakehouse.spark.session import LOG_STORE
from support.timing import seconds

INSERT_DISTANCE = """
    INSERT INTO distance_cache (origin_address, destination_address, travel_mode, provider, status, last_updated)
    VALUES ('here', 'there', 'walking', 'test', 'failed', now())
"""
STREAM, REFRESH = "continuous_master_stream.py", "batch_refresh_silver_gold.py"


def run_job(stack: Stack, script: str, lake: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts" / "Jobs_Spark" / script), *arguments]
    env = {**stack.environment(), "LAKE_URI": lake}
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=seconds(60))


@pytest.mark.parametrize("script", [STREAM, REFRESH])
def test_lake_of_another_postgres_is_refused(stack: Stack, tmp_path: Path, script: str) -> None:
    """Take up to 20 s each: the jobs are processes with a JVM of their own."""
    source = read_source_identity(stack.settings, CAPTURED)
    for contract in CAPTURED:
        topic = source.topics[contract.topic]
        TableStore(str(tmp_path)).create_bronze(
            contract, {SYSTEM_IDENTIFIER_PROPERTY: "42", f"{TOPIC_ID_PROPERTY}0": topic.topic_id}
        )
    refused = run_job(stack, script, str(tmp_path))
    assert refused.returncode == 1
    assert "belongs to the Postgres with system identifier 42" in refused.stderr
    assert "make reset" in refused.stderr


def test_recreated_topic_is_refused(settings: Settings, tmp_path: Path) -> None:
    source = read_source_identity(settings, [RH_EMPLOYEES])
    TableStore(str(tmp_path)).create_bronze(
        RH_EMPLOYEES, {SYSTEM_IDENTIFIER_PROPERTY: source.system_identifier, f"{TOPIC_ID_PROPERTY}0": "another"}
    )
    with pytest.raises(SourceMismatch, match="deleted and made again"):
        resolve_starting_offsets(TableStore(str(tmp_path)), source, RH_EMPLOYEES)


def test_same_source_resolves_to_the_same_incarnation_again(settings: Settings, tmp_path: Path) -> None:
    source, store = read_source_identity(settings, [RH_EMPLOYEES]), TableStore(str(tmp_path))
    assert [resolve_starting_offsets(store, source, RH_EMPLOYEES).incarnation for _ in range(2)] == [0, 0]


def test_second_stream_waits_and_logs_its_holder_once(
    database: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = database.model_copy(update={"lake_uri": str(tmp_path / "here")})
    there = as_worker(database.model_copy(update={"lake_uri": str(tmp_path / "there")}))
    attempts, acquire = [0], Lease.acquire

    def count_attempts(lease: Lease, timeout: float = 0) -> int:
        attempts[0] += 1
        return acquire(lease, timeout)

    with closing(Lease(here, "stream")) as first, ThreadPoolExecutor(1) as pool, capture_logs() as logs:
        first.acquire()
        monkeypatch.setattr(Lease, "acquire", count_attempts)
        stop = StopSignal()
        second = pool.submit(run_streams, there, stop)
        try:
            wait_until(lambda: attempts[0] > 3, timeout=seconds(60), missing="attempts of the second stream")
        finally:
            stop.set()
        assert second.result(timeout=seconds(30)) is None
    [waiting] = [line["reason"] for line in logs if line["event"] == "retrying"]
    assert f"another stream writes the lake {tmp_path}/here" in waiting
    assert not [*(tmp_path / "there").glob("*/*")]


@pytest.mark.parametrize("script", [REFRESH, "reconcile.py", "maintain.py"])
def test_job_exits_while_another_refresh_holds_the_lease(stack: Stack, script: str) -> None:
    with closing(Lease(stack.settings, "refresh")) as other:
        other.acquire()
        refused = run_job(stack, script, stack.settings.lake, "--wait", "0.1")
    assert refused.returncode == 1
    assert "another refresh writes the lake" in refused.stderr


def test_running_sessions_use_the_hard_link_log_store(stack: Stack) -> None:
    name, store = LOG_STORE
    assert query(stack.settings, f"SET {name}", as_owner=True).rows == [(name, store)]
    with connect(stack.settings) as conn:
        conn.execute(INSERT_DISTANCE)
    log = stack.logs / "stream-processor.log"
    wait_until(
        lambda: "log_store_ready" in log.read_text(encoding="utf-8"),
        timeout=seconds(60),
        missing="the log line of the stream's log store",
    )
    assert "log_store_without_links" not in log.read_text(encoding="utf-8")


def test_waiting_lease_is_acquired_when_its_holder_ends(settings: Settings, tmp_path: Path) -> None:
    own = settings.model_copy(update={"lake_uri": str(tmp_path)})
    with closing(Lease(own, "refresh")) as second, ThreadPoolExecutor(1) as pool:
        with closing(Lease(own, "refresh")) as first:
            number = first.acquire()
            acquired = pool.submit(second.acquire, 60)
            wait_until(lambda: _is_waiting_for_a_lock(own), timeout=seconds(30), missing="the second to wait")
            assert not acquired.done()
        assert acquired.result(timeout=seconds(30)) > number


def _is_waiting_for_a_lock(settings: Settings) -> bool:
    with connect(settings) as conn:
        return conn.execute("SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted").fetchone() is not None


def test_lease_is_the_same_by_every_path_to_the_lake(database: Settings, tmp_path: Path) -> None:
    (tmp_path / "as_a_container_sees_it").symlink_to(tmp_path / "lake")
    (tmp_path / "lake").mkdir()
    here = database.model_copy(update={"lake_uri": str(tmp_path / "lake")})
    there = database.model_copy(update={"lake_uri": str(tmp_path / "as_a_container_sees_it")})
    another = database.model_copy(update={"lake_uri": str(tmp_path / "another")})
    with closing(Lease(here, "refresh")) as lease, closing(Lease(another, "refresh")) as lease_elsewhere:
        lease.acquire()
        with pytest.raises(LockHeld, match="another refresh"):
            Lease(there, "refresh").acquire()
        lease_elsewhere.acquire()


@pytest.mark.parametrize("job", ["stream", "refresh", "maintenance"])
def test_lease_outlasts_the_removal_of_silver(database: Settings, tmp_path: Path, job: str) -> None:
    own = database.model_copy(update={"lake_uri": str(tmp_path)})
    TableStore(own.lake).create_quarantine()
    with closing(Lease(own, job)) as lease:
        lease.acquire()
        shutil.rmtree(tmp_path / "silver")
        with pytest.raises(LockHeld, match=f"another {job} writes the lake {tmp_path}"):
            Lease(own, job).acquire()


def test_lease_of_the_stream_is_one_for_all_lakes_of_a_postgres_and_names_the_other(
    database: Settings, tmp_path: Path
) -> None:
    here = database.model_copy(update={"lake_uri": str(tmp_path / "here")})
    there = database.model_copy(update={"lake_uri": str(tmp_path / "there")})
    with closing(Lease(here, "stream")) as first, closing(Lease(there, "stream")) as second:
        first.acquire()
        with pytest.raises(LockHeld, match=rf"another stream writes the lake {tmp_path}/here, by Postgres session \d+"):
            second.acquire()
        first.release()
        second.acquire(timeout=seconds(30))


def test_numbers_go_on_above_those_in_the_lake_of_a_restored_postgres(database: Settings, tmp_path: Path) -> None:
    own = database.model_copy(update={"lake_uri": str(tmp_path)})
    store, quarantine = TableStore(own.lake), ("silver", "quarantine")
    store.create_quarantine()
    fence_table(store, *quarantine, WriterLease("refresh", 1_000))
    with connect(database, autocommit=True) as conn:
        for _ in range(2):  # a resnapshot that was killed and run again
            advance_numbers(conn, highest_fence(store))
    with closing(Lease(own, "refresh")) as lease:
        fence_table(store, *quarantine, lease.writer(lease.acquire()))


def test_reacquired_lease_invalidates_the_old_fencing_token(database: Settings, tmp_path: Path) -> None:
    own = database.model_copy(update={"lake_uri": str(tmp_path)})
    with closing(Lease(own, "stream")) as lease:
        token = lease.acquire()
        lease.ensure_held(token)
        with pytest.raises(LockHeld, match="another stream"):
            Lease(own, "stream").acquire()
        lease.close()
        with pytest.raises(LockLost, match="was lost"):
            lease.ensure_held(token)
        # The server releases the lock of a closed connection with a delay.
        assert lease.acquire(timeout=seconds(30)) > token
        with pytest.raises(LockLost, match="was lost"):
            lease.ensure_held(token)


def test_lease_needs_no_fence_after_one_whose_end_is_recorded(settings: Settings, tmp_path: Path) -> None:
    own = settings.model_copy(update={"lake_uri": str(tmp_path)})
    first, second, third, fourth = (Lease(own, "refresh") for _ in range(4))
    numbers = [first.acquire()]
    assert not first.needs_fence
    first.release()
    numbers.append(second.acquire(timeout=seconds(30)))
    assert not second.needs_fence
    second.close()  # as a killed process does
    numbers.append(third.acquire(timeout=seconds(30)))
    assert third.needs_fence
    third.end_earlier()
    third.release()
    numbers.append(fourth.acquire(timeout=seconds(30)))
    assert not fourth.needs_fence
    fourth.release()
    assert numbers == sorted({*numbers})


def test_lease_of_another_job_or_lake_needs_no_fence(database: Settings, tmp_path: Path) -> None:
    here = database.model_copy(update={"lake_uri": str(tmp_path / "here")})
    elsewhere = database.model_copy(update={"lake_uri": str(tmp_path / "elsewhere")})
    with closing(Lease(here, "stream")) as killed:
        killed.acquire()
    # The server releases the lock of a closed connection with a delay.
    for other in (Lease(here, "refresh"), Lease(elsewhere, "stream")):
        with closing(other):
            other.acquire(timeout=seconds(30))
            assert not other.needs_fence
