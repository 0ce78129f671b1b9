"""The report of a refresh: its warnings, and the totals that changed."""

from datetime import date

import pytest

from lakehouse.refresh.open_refusals import OpenRefusals
from lakehouse.refresh.refresh_report import show
from lakehouse.refresh.runs import Run

DAY, TODAY = date(2026, 6, 30), date(2026, 7, 1)


@pytest.mark.parametrize(("known_at", "warned"), [(TODAY, True), (DAY, False), (None, False)])
def test_report_with_known_at_today_warns_that_today_is_not_over(
    known_at: date | None, warned: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    show(Run(DAY, {}, known_at=known_at), TODAY)
    assert ("Today is not over" in capsys.readouterr().out) == warned


def test_report_marks_a_total_that_changed_beyond_the_threshold(capsys: pytest.CaptureFixture[str]) -> None:
    before = {"nb_salaries": 160, "cout_primes": 100, "jours": 50}
    show(Run(DAY, {}, before=before, after={**before, "cout_primes": 88, "jours": 51}), TODAY)
    printed = capsys.readouterr().out
    assert "cout_primes moved by -12%: 100 before, 88 now" in printed
    assert "jours moved" not in printed


def test_report_names_the_rows_and_employees_whose_refusals_are_open(capsys: pytest.CaptureFixture[str]) -> None:
    run = Run(DAY, {}, open_refusals={"strava_activities": OpenRefusals(3, ['{"activity_id":7}', "{}"], [59019])})
    show(run, TODAY)
    printed = " ".join(capsys.readouterr().out.split())
    assert "strava_activities: 3 refused changes are open" in printed
    assert 'The newest: {"activity_id":7} {}; employees 59019' in printed
