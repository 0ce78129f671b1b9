"""A setting that loses changes of a table stops the figures that read this table, and no other."""

from datetime import date

import pytest

from lakehouse.cdc.lake import Lake
from lakehouse.errors import CaptureMismatch
from lakehouse.gold.models import MODELS
from lakehouse.refresh.refresh import refresh
from lakehouse.refresh.runs import Run
from lakehouse.refresh.scenarios import what_if
from lakehouse.source.capture_settings import Finding
from spark.builders import NO_OFFSETS

DAY = date(2026, 6, 1)
ALL_MODELS = {model.name for model in MODELS}
OF_ACTIVITIES = {"wellbeing", "activites", "doubles"}


@pytest.mark.parametrize(
    ("table", "stopped"),
    [
        ("public.distance_cache", {"prime_sportive"}),
        pytest.param("public.strava_activities", OF_ACTIVITIES, marks=pytest.mark.long),
        pytest.param("public.rh_employees", {"prime_sportive", *OF_ACTIVITIES}, marks=pytest.mark.long),
        pytest.param("public.reward_rules", {"prime_sportive", "wellbeing"}, marks=pytest.mark.long),
        ("cdc.heartbeat", set()),
        (None, {"prime_sportive", *OF_ACTIVITIES}),
    ],
)
def test_finding_stops_the_figures_that_read_its_table(lake: Lake, table: str | None, stopped: set[str]) -> None:
    problems = [Finding(table, "its replica identity is NOTHING", "ALTER TABLE x REPLICA IDENTITY DEFAULT;")]
    if stopped:
        with pytest.raises(CaptureMismatch, match=r"replica identity is NOTHING\. Remedy: ALTER TABLE x"):
            refresh(lake, NO_OFFSETS, DAY, problems=problems)
    else:
        refresh(lake, NO_OFFSETS, DAY, problems=problems)
    run = lake.read("gold", "runs").first()
    assert run
    assert run.outcome == ("failed: CaptureMismatch" if stopped else "ok")
    computed = {name for name in ALL_MODELS if f'"gold/{name}"' in run.seconds}
    assert computed == ALL_MODELS - stopped
    again = refresh(lake, NO_OFFSETS, DAY)
    assert {stage.removeprefix("gold/") for stage in again.seconds} & ALL_MODELS == stopped


def test_scenarios_stop_with_the_tables_that_they_read(lake: Lake) -> None:
    run = Run(DAY, NO_OFFSETS, stopped_tables=frozenset(["distance_cache"]))
    what_if(lake, run, {"taux6": {}})
    assert (run.rules, run.seconds) == (None, {})
    assert lake.read("gold", "scenarios").count() == 0
