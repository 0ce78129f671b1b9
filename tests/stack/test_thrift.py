"""The Thrift server, queried by the Python client: types, errors, and views that are recreated."""

import os
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from threading import Event, Thread

import pytest

from lakehouse.errors import NotReady
from lakehouse.local.mount_namespace import find_obstacle
from lakehouse.local.stack import Stack
from lakehouse.local.thrift import IN_NAMESPACE
from lakehouse.retries import StopSignal
from lakehouse.serving.client import QueryError, query
from lakehouse.serving.view_setup import apply_views, reconcile_views
from lakehouse.settings import ROOT, Settings


def test_query_result_values_keep_their_types(settings: Settings) -> None:
    answer = query(
        settings,
        "SELECT 1 AS n, CAST('2638.50' AS DECIMAL(12,2)) AS eur, TIMESTAMP '2026-01-01 00:30:00' AS at, "
        "CAST(NULL AS DECIMAL(12,2)) AS nothing, true AS yes, 'é' AS text",
    )
    assert answer.columns == ["n", "eur", "at", "nothing", "yes", "text"]
    assert answer.rows == [(1, Decimal("2638.50"), datetime(2026, 1, 1, 0, 30), None, True, "é")]  # noqa: DTZ001 - a wall clock


def test_failed_statement_is_a_one_line_error(settings: Settings) -> None:
    with pytest.raises(
        QueryError, match=r"^the Thrift server refused: \[TABLE_OR_VIEW_NOT_FOUND\].*nowhere"
    ) as refusal:
        query(settings, "SELECT * FROM nowhere")
    assert "\n" not in str(refusal.value)


def test_views_without_tables_are_named_and_existing_views_stay(settings: Settings, tmp_path: Path) -> None:
    query(settings, "CREATE DATABASE IF NOT EXISTS gold", as_owner=True)
    before = query(settings, "SHOW VIEWS IN gold").rows
    with pytest.raises(NotReady, match=r"gold\.v_kpi.*PATH_NOT_FOUND"):
        apply_views(settings.model_copy(update={"lake_uri": str(tmp_path)}))
    assert query(settings, "SHOW VIEWS IN gold").rows == before


def test_dropped_views_are_recreated(settings: Settings) -> None:
    stop, is_healthy = StopSignal(), Event()
    view_thread = Thread(target=reconcile_views, args=(settings, stop, is_healthy.set))
    view_thread.start()
    try:
        assert is_healthy.wait(60)
        query(settings, "DROP VIEW gold.v_kpi", as_owner=True)
        is_healthy.clear()
        assert is_healthy.wait(60)
        assert ("gold", "v_kpi", False) in query(settings, "SHOW VIEWS IN gold").rows
        query(settings, "ALTER VIEW gold.v_kpi UNSET TBLPROPERTIES ('digest')", as_owner=True)
        assert apply_views(settings) == ["gold.v_kpi"]
        assert apply_views(settings) == []
    finally:
        stop.set()
        view_thread.join()


@pytest.mark.skipif(find_obstacle() != "", reason=f"mount namespaces: {find_obstacle()}")
def test_server_sees_gold_and_the_counted_table_and_no_secret(stack: Stack, settings: Settings) -> None:
    [service] = [service for service in stack.status() if service.name == "spark-thrift"]
    assert service.protection == IN_NAMESPACE
    lake, server = Path(settings.lake), Path(f"/proc/{service.pid}/root")
    found = {
        str(path.relative_to(lake)): {one.name for one in (server / path.relative_to("/")).iterdir()}
        for path in (lake, lake / "bronze")
    }
    assert found == {".": {"bronze", "gold"}, "bronze": {"strava_activities"}}
    for path in (
        lake / "silver",
        lake / "bronze" / "rh_employees",
        stack.home / "run" / "secrets",
        stack.home / "kafka",
    ):
        assert path.is_dir()
        assert not (server / path.relative_to("/")).exists(), path
    assert not (server / (ROOT / "data").relative_to("/")).exists()
    for path in (lake, lake / "gold", lake / "bronze" / "strava_activities"):
        assert os.statvfs(server / path.relative_to("/")).f_flag & os.ST_RDONLY, path
    assert query(settings, "SELECT COUNT(*) FROM gold.v_prime_sportive").rows
    assert query(settings, f"SELECT COUNT(*) FROM delta.`{lake}/bronze/strava_activities`").rows  # noqa: S608 - a count
