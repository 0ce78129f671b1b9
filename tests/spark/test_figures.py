"""Law 7: a figure is computed again when what it is a function of has changed, and only then."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

from lakehouse.cdc.catalog import Catalog
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.silver import Caught
from lakehouse.cdc.upkeep import keep
from lakehouse.contracts import CAPTURED, RH_EMPLOYEES
from lakehouse.errors import LakehouseError, SchemaMismatch
from lakehouse.gold import figures
from lakehouse.gold import refresh as refresh_module
from lakehouse.gold.refresh import make_tables, refresh
from lakehouse.gold.runs import Run
from lakehouse.gold.today import figures_of_the_day
from spark.builders import NOTHING, RULES, activities, employees, reward_rules, utc

DAY = date(2026, 6, 1)
ALL = {"prime_sportive", "wellbeing", "activites", "qualite_donnees"}


@pytest.fixture
def lake(spark: SparkSession, tmp_path: Path) -> Lake:
    lake = Lake(spark, Catalog(str(tmp_path)))
    make_tables(lake.catalog)
    lake.append(employees(spark, {"id": 1}), "silver", "rh_employees")
    lake.append(reward_rules(spark, {"valid_from": date(2026, 1, 1)}), "silver", "reward_rules")
    return lake


def computed(lake: Lake, as_of: date = DAY) -> set[str]:
    stages = refresh(lake, NOTHING, as_of).seconds
    return {stage.removeprefix("gold/") for stage in stages} & ALL


def test_a_second_refresh_computes_nothing_also_where_a_result_has_no_row(lake: Lake) -> None:
    assert computed(lake) == ALL
    assert computed(lake) == set()


def test_an_activity_leaves_the_primes_alone(lake: Lake) -> None:
    computed(lake)
    lake.append(activities(lake.spark, {"start_date_utc": utc("2026-05-01 10:00")}), "silver", "strava_activities")
    assert computed(lake) == {"wellbeing", "activites"}
    assert [row.nb_activities_year for row in lake.read("gold", "wellbeing").collect()] == [1]


def test_the_journal_tells_the_figures_before_and_after_and_what_moved(lake: Lake) -> None:
    computed(lake)
    lake.append(activities(lake.spark, {"start_date_utc": utc("2026-05-01 10:00")}), "silver", "strava_activities")
    computed(lake)
    first, second = lake.read("gold", "runs").orderBy("started_at").collect()
    assert (json.loads(first.figures_before)["nb_salaries"], first.moved) == (0, None)
    assert first.figures_after == second.figures_before
    assert json.loads(second.figures_after) == {**json.loads(second.figures_before), "nb_participants": 1}
    assert json.loads(second.moved) == {"nb_participants": 1.0}
    assert json.loads(second.inputs)["silver/strava_activities"] == lake.catalog.version("silver", "strava_activities")


@pytest.mark.long
def test_what_moved_in_a_run_that_was_killed_on_its_way_is_told_by_the_next(lake: Lake) -> None:
    first = refresh(lake, NOTHING, DAY)
    lake.append(employees(lake.spark, {"id": 2}), "silver", "rh_employees")
    figures_of_the_day(lake, Run(DAY, NOTHING))
    second = refresh(lake, NOTHING, DAY)
    assert (second.before, second.moved) == (first.after, {"nb_salaries": 1.0})


@pytest.mark.long
def test_a_run_that_fails_half_way_tells_the_figures_as_it_left_them(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    replaced = Lake.replace

    def fails(lake: Lake, rows: DataFrame, layer: str, name: str, **how: str) -> None:
        if name == "activites":
            raise LakehouseError("no space is left")
        replaced(lake, rows, layer, name, **how)

    monkeypatch.setattr(Lake, "replace", fails)
    with pytest.raises(LakehouseError, match="no space is left"):
        refresh(lake, NOTHING, DAY)
    run = lake.read("gold", "runs").first()
    assert run
    assert (run.outcome, json.loads(run.figures_after)["nb_salaries"]) == ("failed: LakehouseError", 1)


@pytest.mark.long
def test_a_new_day_is_another_question_of_whatever_counts_days(lake: Lake) -> None:
    computed(lake)
    assert computed(lake, date(2026, 6, 2)) == {"wellbeing", "activites"}
    assert computed(lake, date(2027, 1, 1)) == {"wellbeing", "activites", "prime_sportive"}


def test_another_rule_is_another_figure(lake: Lake) -> None:
    computed(lake)
    harder = replace(RULES, min_activities=20)
    rows = reward_rules(lake.spark, {**vars(harder), "valid_from": date(2026, 3, 1)})
    lake.append(rows, "silver", "reward_rules")
    assert computed(lake) == {"wellbeing", "prime_sportive"}


@pytest.mark.long
def test_where_a_table_fails_the_journal_tells_what_the_others_took_in(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: Lake, contract: Contract, __: object) -> Caught:
        if contract is RH_EMPLOYEES:
            raise SchemaMismatch("rh_employees: nom is gone")
        return Caught(contract.table, changes=2, refused=1, rows=1)

    monkeypatch.setattr(refresh_module, "catch_up", fails)
    with pytest.raises(LakehouseError, match="nom is gone"):
        refresh(lake, NOTHING, DAY)
    run = lake.read("gold", "runs").first()
    assert run
    others = len(CAPTURED) - 1
    assert (run.nb_changes, run.nb_refused, run.nb_rows) == (2 * others, others, others)
    assert run.outcome == "failed: LakehouseError"


@pytest.mark.long
def test_upkeep_of_the_results_does_not_make_them_forget(lake: Lake) -> None:
    computed(lake)
    for name in ALL:
        keep(lake.catalog.path("gold", name))
    assert computed(lake) == set()


@pytest.mark.long
def test_figures_computed_in_another_way_are_computed_again(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    computed(lake)
    monkeypatch.setattr(figures, "code", lambda: "another")
    assert computed(lake) == ALL
