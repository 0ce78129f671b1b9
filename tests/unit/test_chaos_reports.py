"""The checkers are checked: a planted fault counts as reported only by those who have to report it."""

from pathlib import Path

import pytest

from chaos.planting import PLANTS
from chaos.reports import COMPARISON, EXPECTED, Line, find_alarms, find_reports
from lakehouse.cdc.offsets import Gap, TopicPartition

GAP = f"bronze/shoes lacks {Gap(TopicPartition(0, 0), 3, 4)}."
OFFSET_MISSING, OFFSET_DOUBLED = "partition 0: 1 offsets missing: 3", "partition 0: 1 offsets doubled: 3"


def test_each_planted_fault_has_expected_reports() -> None:
    assert set(EXPECTED) == set(PLANTS)
    assert all(EXPECTED.values())


@pytest.mark.parametrize("plant", PLANTS)
def test_planted_fault_that_nobody_reports_is_unmet_in_each_expectation(plant: str) -> None:
    found, unmet = find_reports(plant, [Line("a refresh", "refresh_finished"), Line(COMPARISON, "all equal")])
    assert found == []
    assert len(unmet) == len(EXPECTED[plant])


def test_hole_is_reported_by_the_system_and_by_the_comparison() -> None:
    lines = [Line("the stream", f"stream_failed error={GAP}"), Line(COMPARISON, OFFSET_MISSING)]
    assert find_reports("hole", lines) == (lines, [])


def test_report_of_the_comparison_alone_does_not_stand_for_the_systems_own() -> None:
    _, unmet = find_reports("hole", [Line(COMPARISON, OFFSET_MISSING)])
    assert len(unmet) == 1


def test_hole_and_double_that_cancel_out_are_to_be_counted_by_maintenance_or_reconcile() -> None:
    lines = [
        Line("a refresh", GAP),
        Line("reconcile", "bronze/shoes has more than once: partition 0, offset 3"),
        Line(COMPARISON, OFFSET_MISSING),
        Line(COMPARISON, OFFSET_DOUBLED),
    ]
    _, unmet = find_reports("both", lines)
    assert [reason.partition(" (")[0] for reason in unmet] == ["maintenance or reconcile"]


def test_alarms_are_found_in_each_checkers_log_and_in_no_other(tmp_path: Path) -> None:
    for name in ("stream-processor.log", "stream-processor.log.1", "batch_refresh_silver_gold.py.log", "kafka.log"):
        (tmp_path / name).write_text(f"batch_appended\n2026-11-29 foreign_commit_found table={name}\n")
    alarms = find_alarms(tmp_path)
    assert [line.checker for line in alarms] == ["the stream", "the stream", "a refresh"]
    assert not any("kafka.log" in line.text for line in alarms)
