"""Law: a benchmark's figures follow from its samples, and are compared with the saved baseline."""

import json
import subprocess
from pathlib import Path
from random import Random

import pytest

from benchmarks.changes import split_by_operation
from benchmarks.event_log import read_event_log as read_events
from benchmarks.hr_loads import STRAY_CELLS, write_large_csv, write_stray_cell
from benchmarks.jobs import silver_seconds
from benchmarks.measurements import Measurement, format_value, merge_measurements
from benchmarks.observers import last_offset
from benchmarks.plain_java import java_without_cache
from benchmarks.refresh import measure_growth
from benchmarks.report import format_baseline, read_results, save_baseline, write_results
from benchmarks.samples import Sample, delays_ms, first_visible_times, is_steady, percentile, rate
from benchmarks.start import ready_times
from benchmarks.system import PLAIN_TUNING_DIR
from lakehouse.hr.company_files import read_company
from lakehouse.serving.server import render_spark_conf
from lakehouse.settings import Settings

LATENCY = Measurement("latency", "commit → Bronze", "ms", ours=200.0, target=250.0)


def test_percentile_is_a_measured_value() -> None:
    values = [float(n) for n in range(100, 0, -1)]
    assert [percentile(values, share) for share in (50, 95, 99, 100)] == [50, 95, 99, 100]
    assert percentile([7.0], 50) == 7


def test_rate_is_measured_from_the_first_rows_to_the_last() -> None:
    samples = [Sample(0, 5), Sample(10, 5), Sample(11, 105), Sample(12, 205), Sample(13, 305), Sample(60, 305)]
    assert rate(samples) == 100
    assert rate(samples[:3]) == 0


def test_a_lag_that_grows_is_not_steady() -> None:
    up_and_down = [100, 900, 400, 800, 450] * 4
    assert is_steady(up_and_down, per_second=100)
    assert not is_steady([n * 100 + lag for n, lag in enumerate(up_and_down)], per_second=100)
    assert not is_steady([100, 900, 2_000, 3_000, 4_000], per_second=1_000)


def test_row_that_did_not_arrive_has_no_delay() -> None:
    assert delays_ms({"a": 1.0, "b": 2.0}, {"a": 1.25}) == [250.0]


def test_an_offset_is_visible_with_the_first_commit_that_reaches_it() -> None:
    commits = [Sample(1.0, 10), Sample(2.0, 20), Sample(3.0, 30)]
    assert first_visible_times({"a": 10, "b": 11, "c": 31}, commits) == {"a": 1.0, "b": 2.0}


def test_last_offset_of_a_commit_is_read_from_file_statistics() -> None:
    added = '{"add": {"stats": "{\\"maxValues\\": {\\"offset\\": %d}}"}}'
    assert last_offset("\n".join(['{"commitInfo": {}}', added % 7, added % 12, '{"add": {"path": "x"}}'])) == 12
    assert last_offset('{"metaData": {}}') is None


def test_inserts_updates_and_deletes_have_shares_80_18_2() -> None:
    assert split_by_operation(10_000, Random(1)) == (8_000, 1_800, 200)
    splits = [split_by_operation(1, Random(seed)) for seed in range(2_000)]
    assert all(sum(split) == 1 for split in splits)
    assert 0.75 < sum(inserted for inserted, _, _ in splits) / 2_000 < 0.85


@pytest.mark.parametrize(("ours", "more", "reached"), [(250, False, True), (251, False, False), (251, True, True)])
def test_target_is_reached_below_it_or_above_it_if_more_is_better(ours: float, more: bool, reached: bool) -> None:
    assert Measurement("s", "n", "ms", ours=ours, target=250, more=more).is_target_met is reached


def test_later_measurement_fills_in_its_line() -> None:
    later = Measurement("latency", "commit → Bronze", "ms").with_value("plain", 2_000)
    other = Measurement("s", "n", "ms", more=True)
    assert merge_measurements([LATENCY, other, later]) == [LATENCY.with_value("plain", 2_000), other]
    assert merge_measurements([LATENCY, LATENCY.with_value("ours", 90.0)]) == [LATENCY.with_value("ours", 90.0)]
    assert merge_measurements([]) == []


def test_figure_is_rounded_by_its_magnitude() -> None:
    assert [format_value(value) for value in (None, 0.456, 12.34, 40.0, 12_345.6)] == [
        "-",
        "0.46",
        "12.3",
        "40",
        "12,346",
    ]


def test_regression_against_the_baseline_is_reported(tmp_path: Path) -> None:
    write_results(tmp_path / "baseline.json", {"commit": "abc"}, [LATENCY])
    baseline = read_results(tmp_path / "baseline.json")
    assert baseline == {LATENCY.key: LATENCY}
    assert "worse: +50%" in format_baseline(LATENCY.with_value("ours", 300), baseline)
    assert "better: -50%" in format_baseline(LATENCY.with_value("ours", 100), baseline)
    assert format_baseline(LATENCY.with_value("ours", 210), baseline) == "200"
    assert read_results(tmp_path / "none.json") == {}


def test_saving_one_section_of_the_baseline_keeps_the_others(tmp_path: Path) -> None:
    path, other = tmp_path / "baseline.json", Measurement("start", "make up", "s", ours=40)
    save_baseline(path, {"commit": "one"}, [LATENCY, Measurement("latency", "no more", "ms"), other])
    save_baseline(path, {"commit": "two"}, [LATENCY.with_value("ours", 100)])
    assert list(read_results(path).values()) == [other, LATENCY.with_value("ours", 100)]
    assert json.loads(path.read_text(encoding="utf-8"))["commits"] == {"latency": "two", "start": "one"}


def test_event_log_gives_files_and_bytes_read() -> None:
    scan = {"metrics": [{"name": "number of files read", "accumulatorId": 7}], "children": []}
    events: list[dict[str, object]] = [
        {"Event": "SQLExecutionStart", "sparkPlanInfo": {"metrics": [], "children": [scan]}},
        {"Event": "org.SparkListenerDriverAccumUpdates", "accumUpdates": [[7, 3], [8, 100]]},
        {"Event": "SparkListenerTaskEnd", "Task Metrics": {"Input Metrics": {"Bytes Read": 2**20}}},
        {"Event": "SparkListenerTaskEnd"},
    ]
    assert read_events(map(json.dumps, events)) == (3, 1.0)


def test_ready_times_are_parsed_from_the_stack_output() -> None:
    output = ["postgres          ready after   3.3 s   127.0.0.1:55631", "idle for 60 s"]
    assert ready_times(output) == {"postgres": 3.3}


def test_plain_thrift_server_has_none_of_our_tuning(tmp_path: Path) -> None:
    ours, plain = (
        render_spark_conf(settings, tmp_path) for settings in (Settings(), Settings(tuning_dir=PLAIN_TUNING_DIR))
    )
    assert "snapshotPartitions" in ours
    assert "snapshotPartitions" not in plain
    assert "DeltaSparkSessionExtension" in plain


def test_merge_time_of_parallel_tables_is_the_longest() -> None:
    assert silver_seconds({"silver": 9.0, "silver/strava_activities": 8.0, "gold": 3.0}) == 9
    assert silver_seconds({"silver/rh_employees": 4.0, "silver/strava_activities": 8.0, "gold": 30.0}) == 8


def test_plain_java_drops_the_aot_cache_options(tmp_path: Path) -> None:
    echo_java = tmp_path / "jdk" / "bin" / "java"
    echo_java.parent.mkdir(parents=True)
    echo_java.symlink_to("/bin/echo")
    java = java_without_cache(tmp_path / "plain", tmp_path / "jdk") / "bin" / "java"
    arguments = ("-XX:AOTCache=/a b", "-XX:AOTCacheOutput=c", "-cp", "d e", "Main")
    printed = subprocess.run([java, *arguments], capture_output=True, text=True, check=True).stdout
    assert printed == "-cp d e Main\n"


def test_refresh_growth_is_relative_to_the_smallest_size() -> None:
    name = "20 changes at {}, least (limit: an empty session)"
    sizes = [
        Measurement("refresh", name.format(size), "s", ours=ours)
        for size, ours in (("10,000", 20.0), ("500,000", 22.0))
    ]
    assert [line.ours for line in measure_growth(sizes)] == [1.1, None]
    assert not list(measure_growth(sizes[:1]))


def test_odd_hr_files_are_read_as_the_same_two_people(tmp_path: Path) -> None:
    folders = [write_stray_cell(tmp_path / reference, reference) for reference in STRAY_CELLS]
    first, *others = [read_company(folder) for folder in [*folders, write_large_csv(tmp_path / "large", 50)]]
    assert len(first.employees) == len(first.practices) == 2
    assert len(others[-1].employees) == 50
    for company in others:
        assert company.employees.head(2).equals(first.employees)
