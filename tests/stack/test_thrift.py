"""The Thrift server, as a client in Python meets it."""

from datetime import datetime
from decimal import Decimal
from pathlib import Path
from threading import Event, Thread

import pytest

from lakehouse.errors import NotReady
from lakehouse.serving.client import Refused, query
from lakehouse.serving.views import apply_views, keep_applied
from lakehouse.settings import Settings
from lakehouse.waiting import Stop


def test_answers_keep_their_types(settings: Settings) -> None:
    answer = query(
        settings,
        "SELECT 1 AS n, CAST('2638.50' AS DECIMAL(12,2)) AS eur, TIMESTAMP '2026-01-01 00:30:00' AS at, "
        "CAST(NULL AS DECIMAL(12,2)) AS nothing, true AS yes, 'é' AS text",
    )
    assert answer.columns == ["n", "eur", "at", "nothing", "yes", "text"]
    assert answer.rows == [(1, Decimal("2638.50"), datetime(2026, 1, 1, 0, 30), None, True, "é")]  # noqa: DTZ001 - a wall clock


def test_a_statement_that_fails_says_why_in_one_line(settings: Settings) -> None:
    with pytest.raises(Refused, match=r"^the Thrift server refused: \[TABLE_OR_VIEW_NOT_FOUND\].*nowhere") as refusal:
        query(settings, "SELECT * FROM nowhere")
    assert "\n" not in str(refusal.value)


def test_views_without_their_tables_are_named_and_those_that_exist_stay(settings: Settings, tmp_path: Path) -> None:
    query(settings, "CREATE DATABASE IF NOT EXISTS gold")
    before = query(settings, "SHOW VIEWS IN gold").rows
    with pytest.raises(NotReady, match=r"gold\.v_kpi.*PATH_NOT_FOUND"):
        apply_views(settings.model_copy(update={"lake_uri": str(tmp_path)}))
    assert query(settings, "SHOW VIEWS IN gold").rows == before


def test_views_that_a_server_lost_are_made_again(settings: Settings) -> None:
    stop, seen_well = Stop(), Event()
    keeper = Thread(target=keep_applied, args=(settings, stop, seen_well.set))
    keeper.start()
    try:
        assert seen_well.wait(60)
        query(settings, "DROP VIEW gold.v_kpi")
        seen_well.clear()
        assert seen_well.wait(60)
        assert ("gold", "v_kpi", False) in query(settings, "SHOW VIEWS IN gold").rows
        query(settings, "ALTER VIEW gold.v_kpi UNSET TBLPROPERTIES ('digest')")
        assert apply_views(settings) == ["gold.v_kpi"]
        assert apply_views(settings) == []
    finally:
        stop.set()
        keeper.join()
