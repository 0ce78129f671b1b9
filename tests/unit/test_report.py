"""What a refresh says when it is done."""

from datetime import date

import pytest

from lakehouse.clock import today
from lakehouse.gold.report import show
from lakehouse.gold.runs import Run

DAY = date(2026, 6, 30)


@pytest.mark.parametrize(("known_at", "said"), [(today(), True), (DAY, False), (None, False)])
def test_what_is_known_today_is_said_to_grow_still(
    known_at: date | None, said: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    show(Run(DAY, {}, known_at=known_at))
    assert ("Today is not over" in capsys.readouterr().out) == said


def test_a_figure_that_moved_much_is_marked(capsys: pytest.CaptureFixture[str]) -> None:
    before = {"nb_salaries": 160, "cout_primes": 100, "jours": 50}
    show(Run(DAY, {}, before=before, after={**before, "cout_primes": 88, "jours": 51}))
    told = capsys.readouterr().out
    assert "cout_primes moved by -12%: 100 before, 88 now" in told
    assert "jours moved" not in told
