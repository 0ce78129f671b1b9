"""Law 7: a model is recomputed if one of its inputs changed, and only then."""

import json
from dataclasses import replace
from datetime import date

import pytest

from lakehouse.cdc import commit_log
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.maintenance import compact_and_vacuum
from lakehouse.cdc.merge.silver import CatchUpResult
from lakehouse.contracts import CAPTURED, RH_EMPLOYEES
from lakehouse.errors import LakehouseError, SchemaMismatch, SilverDiffers
from lakehouse.gold import model as model_module
from lakehouse.gold.models import MODELS
from lakehouse.refresh import merge_tables
from lakehouse.refresh.current import refresh_current
from lakehouse.refresh.refresh import refresh
from lakehouse.refresh.runs import Run
from spark.builders import NO_OFFSETS, RULES, activities, employees, reward_rules, utc
from spark.hooked_lake import failing_before
from spark.recording_proof import RecordingProof

DAY = date(2026, 6, 1)
ALL_MODELS = {model.name for model in MODELS}
OF_ACTIVITIES = {"wellbeing", "activites", "doubles"}


def refresh_and_list_recomputed(lake: Lake, as_of: date = DAY) -> set[str]:
    stages = refresh(lake, NO_OFFSETS, as_of).seconds
    return {stage.removeprefix("gold/") for stage in stages} & ALL_MODELS


def test_second_refresh_without_changes_recomputes_no_model(lake: Lake) -> None:
    assert refresh_and_list_recomputed(lake) == ALL_MODELS
    assert refresh_and_list_recomputed(lake) == set()


def test_new_activity_recomputes_the_figures_of_activities_but_not_the_prime(lake: Lake) -> None:
    refresh_and_list_recomputed(lake)
    lake.append(activities(lake.spark, {"start_date_utc": utc("2026-05-01 10:00")}), "silver", "strava_activities")
    assert refresh_and_list_recomputed(lake) == OF_ACTIVITIES
    assert [row.nb_activities_year for row in lake.read("gold", "wellbeing").collect()] == [1]


def test_run_journal_records_totals_before_and_after_and_anomalies(lake: Lake) -> None:
    refresh_and_list_recomputed(lake)
    lake.append(activities(lake.spark, {"start_date_utc": utc("2026-05-01 10:00")}), "silver", "strava_activities")
    refresh_and_list_recomputed(lake)
    first, second = lake.read("gold", "runs").orderBy("started_at").collect()
    assert (json.loads(first.totals_before)["nb_salaries"], first.anomalies) == (0, None)
    assert first.totals_after == second.totals_before
    assert json.loads(second.totals_after) == {**json.loads(second.totals_before), "nb_participants": 1}
    assert json.loads(second.anomalies) == {"nb_participants": 1.0}
    assert json.loads(second.input_versions)["silver/strava_activities"] == commit_log.last_data_version(
        lake.store, "silver", "strava_activities"
    )


@pytest.mark.long
def test_anomalies_of_a_killed_run_are_reported_by_the_next_run(lake: Lake) -> None:
    first = refresh(lake, NO_OFFSETS, DAY)
    lake.append(employees(lake.spark, {"id": 2}), "silver", "rh_employees")
    refresh_current(lake, Run(DAY, NO_OFFSETS))
    second = refresh(lake, NO_OFFSETS, DAY)
    assert (second.before, second.anomalies) == (first.after, {"nb_salaries": 1.0})


@pytest.mark.long
def test_failed_run_journals_the_totals_that_it_left_behind(lake: Lake) -> None:
    with pytest.raises(LakehouseError, match="before a write to gold/activites"):
        refresh(failing_before(lake, "gold/activites", LakehouseError), NO_OFFSETS, DAY)
    run = lake.read("gold", "runs").first()
    assert run
    assert (run.outcome, json.loads(run.totals_after)["nb_salaries"]) == ("failed: LakehouseError", 1)


@pytest.mark.long
def test_new_day_recomputes_the_models_that_depend_on_the_date(lake: Lake) -> None:
    refresh_and_list_recomputed(lake)
    assert refresh_and_list_recomputed(lake, date(2026, 6, 2)) == OF_ACTIVITIES
    assert refresh_and_list_recomputed(lake, date(2027, 1, 1)) == {"prime_sportive", *OF_ACTIVITIES}


def test_changed_reward_rule_recomputes_the_models_that_use_it(lake: Lake) -> None:
    refresh_and_list_recomputed(lake)
    harder = replace(RULES, min_activities=20)
    rows = reward_rules(lake.spark, {**vars(harder), "valid_from": date(2026, 3, 1)})
    lake.append(rows, "silver", "reward_rules")
    assert refresh_and_list_recomputed(lake) == {"wellbeing", "prime_sportive"}


@pytest.mark.long
def test_run_journal_counts_the_other_tables_when_one_table_fails(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail_at_employees(_: Lake, contract: Contract, __: object) -> CatchUpResult:
        if contract is RH_EMPLOYEES:
            raise SchemaMismatch("rh_employees: nom is gone")
        return CatchUpResult(contract.table, changes=2, refused=1, rows=1)

    monkeypatch.setattr(merge_tables, "catch_up", fail_at_employees)
    with pytest.raises(LakehouseError, match="nom is gone"):
        refresh(lake, NO_OFFSETS, DAY)
    run = lake.read("gold", "runs").first()
    assert run
    others = len(CAPTURED) - 1
    assert (run.change_count, run.refused_count, run.row_count) == (2 * others, others, others)
    assert run.outcome == "failed: LakehouseError"


@pytest.mark.long
def test_maintenance_of_gold_tables_does_not_cause_recomputation(lake: Lake) -> None:
    refresh_and_list_recomputed(lake)
    for name in ALL_MODELS:
        compact_and_vacuum(lake.store.path("gold", name))
    assert refresh_and_list_recomputed(lake) == set()


@pytest.mark.long
def test_changed_code_version_recomputes_every_model(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    refresh_and_list_recomputed(lake)
    monkeypatch.setattr(model_module, "code_version", lambda: "another")
    assert refresh_and_list_recomputed(lake) == ALL_MODELS


def test_watcher_leaves_a_row_for_each_run_that_changed_something_or_failed(lake: Lake) -> None:
    def journal_count() -> int:
        return lake.read("gold", "runs").count()

    assert refresh(lake, NO_OFFSETS, DAY, journal_unchanged=False).written_models == ALL_MODELS
    assert journal_count() == 1
    assert refresh(lake, NO_OFFSETS, DAY, journal_unchanged=False).outcome == "ok"
    assert journal_count() == 1
    lake.append(employees(lake.spark, {"id": 2}), "silver", "rh_employees")
    with pytest.raises(SilverDiffers):
        refresh(lake, NO_OFFSETS, DAY, journal_unchanged=False, proof=RecordingProof(differs=True))
    assert journal_count() == 2
    refresh(lake, NO_OFFSETS, DAY, journal_unchanged=False)
    assert journal_count() == 3
