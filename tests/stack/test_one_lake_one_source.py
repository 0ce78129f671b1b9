"""Law 9: one lake, one source, one writer; what does not fit is refused with its remedy, and nothing is written."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from lakehouse.cdc.catalog import Catalog
from lakehouse.cdc.session import LOG_STORE
from lakehouse.cdc.source import SYSTEM, TOPIC, claim
from lakehouse.contracts import CAPTURED, RH_EMPLOYEES
from lakehouse.errors import AlreadyRunning, WrongSource
from lakehouse.local.stack import Stack
from lakehouse.serving.client import query
from lakehouse.settings import ROOT, Settings
from lakehouse.source.identity import identify
from lakehouse.source.lease import Lease
from lakehouse.source.postgres import connect
from lakehouse.waiting import wait_until

CHANGE = """
    INSERT INTO distance_cache (origin_address, destination_address, travel_mode, provider, status, last_updated)
    VALUES ('here', 'there', 'walking', 'test', 'failed', now())
"""
STREAM, REFRESH = "continuous_master_stream.py", "batch_refresh_silver_gold.py"


def run(stack: Stack, script: str, lake: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts" / "Jobs_Spark" / script), *arguments]
    env = {**stack.environment(), "LAKE_URI": lake}
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("script", [STREAM, REFRESH])
def test_an_old_lake_in_front_of_a_new_postgres_is_refused(stack: Stack, tmp_path: Path, script: str) -> None:
    source = identify(stack.settings, CAPTURED)
    for contract in CAPTURED:
        topic = source.topics[contract.topic]
        Catalog(str(tmp_path)).make_bronze(contract, {SYSTEM: "42", f"{TOPIC}0": topic.topic_id})
    refused = run(stack, script, str(tmp_path))
    assert refused.returncode == 1
    assert "belongs to the Postgres with system identifier 42" in refused.stderr
    assert "make reset" in refused.stderr


def test_a_topic_made_anew_is_refused(settings: Settings, tmp_path: Path) -> None:
    source = identify(settings, [RH_EMPLOYEES])
    Catalog(str(tmp_path)).make_bronze(RH_EMPLOYEES, {SYSTEM: source.system_identifier, f"{TOPIC}0": "another"})
    with pytest.raises(WrongSource, match="deleted and made again"):
        claim(Catalog(str(tmp_path)), source, RH_EMPLOYEES)


def test_a_source_claims_its_lake_again_and_again(settings: Settings, tmp_path: Path) -> None:
    source = identify(settings, [RH_EMPLOYEES])
    assert [claim(Catalog(str(tmp_path)), source, RH_EMPLOYEES).incarnation for _ in range(2)] == [0, 0]


def test_a_second_stream_on_the_same_lake_is_refused(stack: Stack) -> None:
    refused = run(stack, STREAM, stack.settings.lake)
    assert refused.returncode == 1
    assert "another stream writes the lake" in refused.stderr


@pytest.mark.parametrize("script", [REFRESH, "reconcile.py", "maintain.py"])
def test_who_comes_while_another_refreshes_says_so_and_leaves(stack: Stack, script: str) -> None:
    with closing(Lease(stack.settings, "refresh")) as other:
        other.hold()
        refused = run(stack, script, stack.settings.lake, "--wait", "0.1")
    assert refused.returncode == 1
    assert "another refresh writes the lake" in refused.stderr


def test_every_running_session_commits_by_hard_links(stack: Stack) -> None:
    name, store = LOG_STORE
    assert query(stack.settings, f"SET {name}").rows == [(name, store)]
    with connect(stack.settings) as conn:
        conn.execute(CHANGE)
    log = stack.logs / "stream-processor.log"
    wait_until(
        lambda: "log_store_ready" in log.read_text(encoding="utf-8"),
        timeout=60,
        missing="the stream to say how it commits",
    )
    assert "log_store_without_links" not in log.read_text(encoding="utf-8")


def test_who_has_patience_goes_on_when_the_other_has_ended(settings: Settings, tmp_path: Path) -> None:
    own = settings.model_copy(update={"lake_uri": str(tmp_path)})
    with closing(Lease(own, "refresh")) as second, ThreadPoolExecutor(1) as pool:
        with closing(Lease(own, "refresh")) as first:
            first.hold()
            waits = pool.submit(second.hold, 60)
            wait_until(lambda: _waits_for_a_lock(own), timeout=30, missing="the second to wait")
            assert not waits.done()
        assert waits.result(timeout=30) == 1


def _waits_for_a_lock(settings: Settings) -> bool:
    with connect(settings) as conn:
        return conn.execute("SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted").fetchone() is not None


def test_a_lake_is_the_same_by_whatever_path_it_is_reached(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "as_a_container_sees_it").symlink_to(tmp_path / "lake")
    (tmp_path / "lake").mkdir()
    here = settings.model_copy(update={"lake_uri": str(tmp_path / "lake")})
    there = settings.model_copy(update={"lake_uri": str(tmp_path / "as_a_container_sees_it")})
    another = settings.model_copy(update={"lake_uri": str(tmp_path / "another")})
    with closing(Lease(here, "stream")) as held, closing(Lease(another, "stream")) as elsewhere:
        held.hold()
        with pytest.raises(AlreadyRunning, match="another stream"):
            Lease(there, "stream").hold()
        elsewhere.hold()


def test_a_lease_that_was_lost_and_taken_again_is_another(settings: Settings, tmp_path: Path) -> None:
    own = settings.model_copy(update={"lake_uri": str(tmp_path)})
    with closing(Lease(own, "stream")) as held:
        term = held.hold()
        held.check(term)
        with pytest.raises(AlreadyRunning, match="another stream"):
            Lease(own, "stream").hold()
        held.close()
        with pytest.raises(AlreadyRunning, match="was lost"):
            held.check(term)
        assert held.hold(patience=30) == term + 1  # the server notices a closed connection a little later
        with pytest.raises(AlreadyRunning, match="was lost"):
            held.check(term)
