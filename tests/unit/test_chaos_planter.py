"""A fault is planted once, when it is due, and a report before that is a false alarm."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from chaos import planter
from chaos.faults import Fault
from chaos.planter import Planter
from lakehouse.cdc.table_store import TableStore
from lakehouse.errors import LakehouseError

NO_LOAD: Any = None
FORGED_LINE = "2026-11-29 [warning] foreign_commit_found table=gold/wellbeing\n"


@pytest.fixture
def plant(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Planter]:
    """Return a factory of planters of a hole that is only described; the logs are in tmp_path."""

    def describe(store: TableStore) -> str:
        return f"{store.root}: one offset removed"

    monkeypatch.setattr(planter, "PLANTS", {"hole": describe})
    settings = SimpleNamespace(lake="/lake")
    system: Any = SimpleNamespace(settings=settings, stack=SimpleNamespace(logs=tmp_path))
    return lambda delay: Planter(system, "hole", delay, print)


def test_fault_is_planted_once_and_not_before_its_delay(plant: Callable[..., Planter]) -> None:
    early, due = plant(60.0), plant(0.0)
    assert early.poll() is None
    assert not early.planted
    assert [due.poll(), due.poll()] == [Fault("planted in /lake: one offset removed"), None]


def test_fault_that_was_not_due_yet_is_planted_after_the_last_one(
    plant: Callable[..., Planter], monkeypatch: pytest.MonkeyPatch
) -> None:
    late = plant(60.0)
    monkeypatch.setattr(late, "run_checkers", lambda _: None)
    monkeypatch.setattr(late, "compare", list)
    with pytest.raises(LakehouseError, match="hole was planted, and not reported"):
        late.check(NO_LOAD)
    assert late.planted


def test_report_before_the_fault_was_planted_is_a_false_alarm(plant: Callable[..., Planter], tmp_path: Path) -> None:
    (tmp_path / "batch_refresh_silver_gold.py.log").write_text(FORGED_LINE)
    planted = plant(0.0)
    planted.poll()
    with pytest.raises(LakehouseError, match=r"before hole was planted: a refresh: .*foreign_commit_found"):
        planted.check(NO_LOAD)
