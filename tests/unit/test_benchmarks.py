"""Law: a figure of the benchmarks says what its samples say, and is compared with the one that was kept."""

import json
import subprocess
from pathlib import Path
from random import Random

import pytest

from benchmarks.changes import shares
from benchmarks.event_log import read as read_events
from benchmarks.jobs import merging
from benchmarks.lines import Line, shown, together
from benchmarks.refresh import growth
from benchmarks.report import against, keep, read, write
from benchmarks.samples import Sample, delays, is_steady, percentile, rate, visible
from benchmarks.start import ready_times
from benchmarks.system import PLAIN
from benchmarks.watching import last_offset
from benchmarks.without_cache import java_without_cache
from lakehouse.serving.server import spark_conf
from lakehouse.settings import Settings

FAST = Line("latency", "commit → Bronze", "ms", ours=200.0, target=250.0)


def test_a_percentile_is_a_value_that_was_measured() -> None:
    values = [float(n) for n in range(100, 0, -1)]
    assert [percentile(values, share) for share in (50, 95, 99, 100)] == [50, 95, 99, 100]
    assert percentile([7.0], 50) == 7


def test_a_rate_begins_with_the_first_rows_and_ends_with_the_last() -> None:
    waited = [Sample(0, 5), Sample(10, 5), Sample(11, 105), Sample(12, 205), Sample(13, 305), Sample(60, 305)]
    assert rate(waited) == 100
    assert rate(waited[:3]) == 0


def test_a_lag_that_grows_is_not_steady() -> None:
    up_and_down = [100, 900, 400, 800, 450] * 4
    assert is_steady(up_and_down, per_second=100)
    assert not is_steady([n * 100 + lag for n, lag in enumerate(up_and_down)], per_second=100)
    assert not is_steady([100, 900, 2_000, 3_000, 4_000], per_second=1_000)


def test_what_did_not_arrive_has_no_delay() -> None:
    assert delays({"a": 1.0, "b": 2.0}, {"a": 1.25}) == [250.0]


def test_an_offset_is_visible_with_the_first_commit_that_reaches_it() -> None:
    commits = [Sample(1.0, 10), Sample(2.0, 20), Sample(3.0, 30)]
    assert visible({"a": 10, "b": 11, "c": 31}, commits) == {"a": 1.0, "b": 2.0}


def test_a_commits_last_offset_is_in_its_files_statistics() -> None:
    added = '{"add": {"stats": "{\\"maxValues\\": {\\"offset\\": %d}}"}}'
    assert last_offset("\n".join(['{"commitInfo": {}}', added % 7, added % 12, '{"add": {"path": "x"}}'])) == 12
    assert last_offset('{"metaData": {}}') is None


def test_changes_have_their_shares() -> None:
    assert shares(10_000, Random(1)) == (8_000, 1_800, 200)
    ones = [shares(1, Random(seed)) for seed in range(2_000)]
    assert all(sum(one) == 1 for one in ones)
    assert 0.75 < sum(inserted for inserted, _, _ in ones) / 2_000 < 0.85


@pytest.mark.parametrize(("ours", "more", "reached"), [(250, False, True), (251, False, False), (251, True, True)])
def test_a_target_is_reached_from_its_own_side(ours: float, more: bool, reached: bool) -> None:
    assert Line("s", "n", "ms", ours=ours, target=250, more=more).reached is reached


def test_what_is_measured_later_fills_its_line_in() -> None:
    later = Line("latency", "commit → Bronze", "ms").on("plain", 2_000)
    assert together([FAST, Line("s", "n", "ms"), later])[0] == FAST.on("plain", 2_000)


def test_a_figure_has_the_digits_that_it_deserves() -> None:
    assert [shown(value) for value in (None, 0.456, 12.34, 40.0, 12_345.6)] == ["-", "0.46", "12.3", "40", "12,346"]


def test_a_change_for_the_worse_is_told(tmp_path: Path) -> None:
    write(tmp_path / "kept.json", {"commit": "abc"}, [FAST])
    kept = read(tmp_path / "kept.json")
    assert kept == {FAST.key: FAST}
    assert "worse: +50%" in against(FAST.on("ours", 300), kept)
    assert "better: -50%" in against(FAST.on("ours", 100), kept)
    assert against(FAST.on("ours", 210), kept) == "200"
    assert read(tmp_path / "none.json") == {}


def test_keeping_a_section_leaves_the_others_as_they_were(tmp_path: Path) -> None:
    path, other = tmp_path / "kept.json", Line("start", "make up", "s", ours=40)
    keep(path, {"commit": "one"}, [FAST, Line("latency", "no more", "ms"), other])
    keep(path, {"commit": "two"}, [FAST.on("ours", 100)])
    assert list(read(path).values()) == [other, FAST.on("ours", 100)]
    assert json.loads(path.read_text(encoding="utf-8"))["commits"] == {"latency": "two", "start": "one"}


def test_an_event_log_tells_files_and_bytes() -> None:
    scan = {"metrics": [{"name": "number of files read", "accumulatorId": 7}], "children": []}
    events: list[dict[str, object]] = [
        {"Event": "SQLExecutionStart", "sparkPlanInfo": {"metrics": [], "children": [scan]}},
        {"Event": "org.SparkListenerDriverAccumUpdates", "accumUpdates": [[7, 3], [8, 100]]},
        {"Event": "SparkListenerTaskEnd", "Task Metrics": {"Input Metrics": {"Bytes Read": 2**20}}},
        {"Event": "SparkListenerTaskEnd"},
    ]
    assert read_events(map(json.dumps, events)) == (3, 1.0)


def test_a_service_is_ready_when_the_stack_says_so() -> None:
    told = ["postgres          ready after   3.3 s   127.0.0.1:55631", "idle for 60 s"]
    assert ready_times(told) == {"postgres": 3.3}


def test_a_plain_server_has_none_of_our_tuning(tmp_path: Path) -> None:
    ours, plain = (spark_conf(settings, tmp_path) for settings in (Settings(), Settings(tuning_dir=PLAIN)))
    assert "snapshotPartitions" in ours
    assert "snapshotPartitions" not in plain
    assert "DeltaSparkSessionExtension" in plain


def test_tables_that_are_merged_side_by_side_take_as_long_as_the_longest() -> None:
    assert merging({"silver": 9.0, "silver/strava_activities": 8.0, "gold": 3.0}) == 9
    assert merging({"silver/rh_employees": 4.0, "silver/strava_activities": 8.0, "gold": 30.0}) == 8


def test_a_plain_java_neither_reads_a_cache_nor_makes_one(tmp_path: Path) -> None:
    theirs = tmp_path / "jdk" / "bin" / "java"
    theirs.parent.mkdir(parents=True)
    theirs.symlink_to("/bin/echo")
    java = java_without_cache(tmp_path / "plain", tmp_path / "jdk") / "bin" / "java"
    given = ("-XX:AOTCache=/a b", "-XX:AOTCacheOutput=c", "-cp", "d e", "Main")
    said = subprocess.run([java, *given], capture_output=True, text=True, check=True).stdout
    assert said == "-cp d e Main\n"


def test_a_refresh_is_compared_with_the_one_at_the_smallest_size() -> None:
    name = "20 changes at {}, least (limit: an empty session)"
    sizes = [Line("refresh", name.format(size), "s", ours=ours) for size, ours in (("10,000", 20.0), ("500,000", 22.0))]
    assert [line.ours for line in growth(sizes)] == [1.1, None]
    assert not list(growth(sizes[:1]))
