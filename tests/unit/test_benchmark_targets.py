"""Law: a figure is judged by its ratio to the limit of the same run, where it has one."""

import json
from pathlib import Path
from typing import Any, cast

import pytest
from rich.console import Console

from benchmarks import refresh, throughput
from benchmarks.latency import LATENCY_TARGETS
from benchmarks.measurements import Measurement, format_ratio, merge_measurements
from benchmarks.probes import ProbeLatencies, Target
from benchmarks.report import format_target, read_results, render_table, write_results
from benchmarks.spark_limits import with_merge_settings
from lakehouse.cdc.merge.silver import DEFAULT_MERGE_THRESHOLDS
from lakehouse.cdc.offsets import TopicPartition

QUERY = Measurement("thrift", "v_kpi, p50", "ms", ours=120.0, limit=80.0, target_ratio=1.5)


@pytest.mark.parametrize(
    ("ours", "limit", "more", "ratio", "within"),
    [
        (120.0, 80.0, False, 1.5, True),
        (120.1, 80.0, False, 1.50125, False),
        (40.0, 80.0, False, 0.5, True),
        (0.0, 80.0, False, 0.0, True),
        (120.0, 80.0, True, 1.5, True),
        (119.0, 80.0, True, 1.4875, False),
        (120.0, None, False, None, None),
        (120.0, 0.0, False, None, None),
        (None, 80.0, False, None, None),
        (None, None, True, None, None),
    ],
)
def test_ratio_to_the_limit_decides(
    ours: float | None, limit: float | None, more: bool, ratio: float | None, within: bool | None
) -> None:
    line = Measurement("s", "n", "ms", ours=ours, limit=limit, more=more, target_ratio=1.5)
    assert (line.ratio, line.is_target_met) == (ratio, within)


def test_slow_day_changes_an_absolute_verdict_and_no_ratio() -> None:
    slow_day = Measurement("s", "n", "ms", ours=3 * 120.0, limit=3 * 80.0, target_ratio=1.5)
    assert slow_day.is_target_met is QUERY.is_target_met is True
    assert Measurement("s", "n", "ms", ours=3 * 120.0, limit=3 * 80.0, target=120.0).is_target_met is False


def test_figure_with_two_targets_is_refused() -> None:
    with pytest.raises(ValueError, match="v_kpi has two targets"):
        Measurement("thrift", "v_kpi", "ms", target=100.0, target_ratio=1.5)


def test_limit_that_is_measured_apart_keeps_the_target() -> None:
    limit = Measurement("thrift", "v_kpi, p50", "ms", target_ratio=1.5).with_value("limit", 80.0)
    ours = Measurement("thrift", "v_kpi, p50", "ms").with_value("ours", 120.0)
    assert merge_measurements([limit, ours]) == merge_measurements([ours, limit]) == [QUERY]


def test_results_have_ours_plain_limit_ratio_and_verdict(tmp_path: Path) -> None:
    file = tmp_path / "bench.json"
    write_results(file, {}, [QUERY, Measurement("start", "make up", "s", ours=44.0, target=40.0)])
    by_ratio, absolute = json.loads(file.read_text(encoding="utf-8"))["lines"]
    sides = {name: by_ratio[name] for name in ("ours", "plain", "limit", "ratio", "target_ratio", "within")}
    assert sides == {"ours": 120.0, "plain": None, "limit": 80.0, "ratio": 1.5, "target_ratio": 1.5, "within": True}
    assert (absolute["ratio"], absolute["within"]) == (None, False)


def test_results_of_an_older_and_of_a_newer_commit_are_read(tmp_path: Path) -> None:
    file = tmp_path / "bench.json"
    older: dict[str, Any] = {"section": "s", "name": "n", "unit": "ms", "ours": 1.0, "plain": None, "limit": None}
    for line in (older, {**older, "of a later commit": 7}):
        file.write_text(json.dumps({"lines": [line]}), encoding="utf-8")
        assert read_results(file) == {("s", "n"): Measurement("s", "n", "ms", ours=1.0)}


def test_table_shows_ratio_wanted_and_verdict() -> None:
    lines = [QUERY, Measurement("sustained", "highest rate", "changes/s", ours=6_000, target=15_000, more=True)]
    removed = Measurement("start", "make up", "s", ours=40.0, target=39.0)
    text = _print(lines, {removed.key: removed})
    assert "ours / limit" in text
    assert [cell.strip() for cell in _row(text, "v_kpi")][4:8] == ["80", "1.50 ×", "≤ 1.50 ×", "yes"]
    assert [cell.strip() for cell in _row(text, "highest rate")][5:8] == ["-", "≥ 15,000", "no"]
    assert [cell.strip() for cell in _row(text, "make up")][6:9] == ["-", "-", "40"], "a baseline has no say in targets"


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (Measurement("s", "n", "ms"), "-"),
        (Measurement("s", "n", "ms", target=500.0), "≤ 500"),
        (Measurement("s", "n", "ms", target=0.0), "≤ 0"),
        (Measurement("s", "n", "x", target_ratio=3.0), "≤ 3 ×"),
        (Measurement("s", "n", "x", target_ratio=1.5, more=True), "≥ 1.50 ×"),
    ],
)
def test_target_is_written_with_its_kind(line: Measurement, text: str) -> None:
    assert format_target(line) == text
    assert format_ratio(None) == "-"


def test_latency_of_bronze_is_judged_by_the_bare_consumer() -> None:
    name = "commit → Bronze, p50, 2/s"
    assert LATENCY_TARGETS[name] == Target(ratio=3.0)
    lines = ProbeLatencies({"Bronze": [10.0, 20.0, 30.0]}).to_measurements(
        "latency", "2/s", "ours", ["Bronze"], LATENCY_TARGETS
    )
    assert {line.name: (line.target, line.target_ratio) for line in lines}[name] == (None, 3.0)


def test_refresh_is_judged_by_an_empty_session_of_the_same_size() -> None:
    cold, warm = refresh.refresh_lines(10_000)
    assert (cold.target_ratio, warm.target_ratio) == (3.0, 1.0)
    assert [line.target_ratio for line in refresh.refresh_lines(500_000)] == [None, None]
    assert refresh.first_refresh_line(10_000, 25.0, 5.0).is_target_met is True
    assert refresh.first_refresh_line(10_000, 26.0, 5.0).is_target_met is False
    large = refresh.first_refresh_line(5_000_000, 301.0, 5.0)
    assert (large.target, large.target_ratio, large.is_target_met) == (300.0, None, False)
    assert refresh.first_refresh_line(500_000, 301.0, 5.0).is_target_met is None


def test_empty_session_answers_a_query() -> None:
    assert 'spark.sql("SELECT 1").collect()' in refresh.EMPTY_SESSION


def test_bulk_append_is_judged_by_the_bare_consumer() -> None:
    assert (throughput.BRONZE_RATE.target, throughput.BRONZE_RATE.target_ratio) == (None, 1.5)


@pytest.mark.parametrize(("extra", "settings"), [(0, "few"), (1, "bulk")])
def test_parsing_alone_runs_with_the_settings_of_the_merge(extra: int, settings: str) -> None:
    class FakeLake:
        session = "few"

        def with_bulk_settings(self) -> "FakeLake":
            bulk = FakeLake()
            bulk.session = "bulk"
            return bulk

    end = {TopicPartition(0, 0): DEFAULT_MERGE_THRESHOLDS.bulk - 1 + extra}
    assert cast("FakeLake", with_merge_settings(cast("Any", FakeLake()), end)).session == settings


def _print(lines: list[Measurement], baseline: dict[tuple[str, str], Measurement]) -> str:
    console = Console(width=200, record=True)
    console.print(render_table(lines, baseline))
    return console.export_text()


def _row(text: str, name: str) -> list[str]:
    return next(line for line in text.splitlines() if f" {name}" in line).split("│")
