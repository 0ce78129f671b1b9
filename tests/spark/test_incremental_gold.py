"""Law 7: after a few changes, Gold is updated for the affected employees only and equals a full refresh."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from random import Random
from shutil import copytree, rmtree
from typing import Any, NoReturn

import pytest
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse.cdc import commit_log
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.maintenance import compact_and_vacuum
from lakehouse.cdc.table_store import TableStore
from lakehouse.contracts import RH_EMPLOYEES, STRAVA_ACTIVITIES
from lakehouse.gold.affected import MAX_AFFECTED_EMPLOYEES
from lakehouse.gold.model import Model
from lakehouse.gold.models import MODELS
from lakehouse.refresh.current import refresh_current
from lakehouse.refresh.refresh import refresh
from lakehouse.refresh.table_setup import create_tables
from lakehouse.spark.literals import lit
from spark.builders import NO_OFFSETS, RULES, Fields, activities, employees, reward_rules, rule_book, utc
from spark.hooked_lake import failing_before

DAY = date(2026, 5, 29)
INCREMENTAL_MODELS = [model for model in MODELS if model.incremental]
EMPLOYEE_COUNT, ACTIVITY_COUNT, STEP_COUNT, CHANGES_PER_STEP = 12, 150, 3, 15


@pytest.fixture(scope="module")
def refreshed_lake_root(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("refreshed")
    lake, rng = Lake(spark, TableStore(str(root))), Random(7)
    create_tables(lake.store)
    lake.append(reward_rules(spark, {"valid_from": date(2020, 1, 1)}), "silver", "reward_rules")
    staff = [*(random_employee(rng, n) for n in range(EMPLOYEE_COUNT)), *({"id": n} for n in (21, 22, 23, 24, 26))]
    lake.append(employees(spark, *staff), "silver", "rh_employees")
    # A merge of ours deletes a key divisible by five: the first one of 21 can go.
    twice = [recording(10 * person + n, person, n) for person in range(21, 25) for n in (1, 2)]
    rows = [*(random_activity(rng, n) for n in range(ACTIVITY_COUNT)), recording(210, 21), *twice]
    lake.append(activities(spark, *rows), "silver", "strava_activities")
    refresh(lake, NO_OFFSETS, DAY)
    return root


@pytest.fixture
def lake(spark: SparkSession, refreshed_lake_root: Path, tmp_path: Path) -> Lake:
    """Return a refreshed lake of its own."""
    return Lake(spark, TableStore(str(copytree(refreshed_lake_root, tmp_path / "lake"))))


def recording(number: int, employee_id: int, minutes: int = 0, **fields: Any) -> Fields:
    """Return an activity of one hour, which starts some minutes after ten, of a person outside the random ones."""
    start = utc("2026-02-01 10:00") + timedelta(minutes=minutes)
    return {
        "activity_id": 10_000 + number,
        "employee_id": employee_id,
        "start_date_utc": start,
        "elapsed_time_s": 3_600,
    } | fields


def random_employee(rng: Random, number: int) -> Fields:
    return {"id": number, "business_unit": rng.choice(["Finance", "Ventes", None])}


def random_activity(rng: Random, number: int) -> Fields:
    """Return an activity of a present or absent employee, from 500 days ago to tomorrow, many of them overlapping."""
    age = rng.choice([timedelta(days=-1), timedelta(hours=6), timedelta(days=rng.randrange(500))])
    return {
        "activity_id": number,
        "employee_id": rng.randrange(EMPLOYEE_COUNT + 2),
        "start_date_utc": utc(DAY.isoformat()) - age + timedelta(minutes=rng.randrange(90)),
        "moving_time_s": rng.choice([None, 1_800]),
        "elapsed_time_s": rng.choice([600, 3_600]),
        "sport_type": rng.choice(["Run", "Tennis"]),
        "distance_m": rng.choice([None, 0, rng.randrange(30_000)]),
        "flagged": rng.random() < 0.1,
    }


def merge_rows(lake: Lake, contract: Contract, rows: DataFrame) -> None:
    """Upsert the rows and delete those with a key divisible by five, in one commit, as a merge does."""
    key = contract.key[0]
    values: dict[str, str | Column] = {name: f"s.{name}" for name in contract.columns}
    merge_builder = lake.table("silver", contract.table).alias("t").merge(rows.alias("s"), f"t.{key} = s.{key}")
    updating = merge_builder.whenMatchedDelete(f"s.{key} % 5 = 0").whenMatchedUpdate(set=values)
    updating.whenNotMatchedInsert(f"s.{key} % 5 <> 0", values=values).execute()


def differing_models(lake: Lake, day: date) -> set[str]:
    """Return the names of the incremental models whose rows differ from a computation from all of Silver."""
    return {
        model.name
        for model in INCREMENTAL_MODELS
        if Counter(lake.read("gold", model.name).collect())
        != Counter(model.current_rows(lake, rule_book(RULES), day).collect())
    }


def refresh_incrementally(
    lake: Lake,
    day: date = DAY,
    *,
    change_model: Callable[[Model], Model] = lambda model: model,
    max_affected: int = MAX_AFFECTED_EMPLOYEES,
) -> None:
    """Refresh the incremental models alone, each changed by `change_model`, however few rows the lake has."""
    models = [change_model(model) for model in INCREMENTAL_MODELS]
    compute = partial(refresh_current, bulk_threshold=0, max_affected=max_affected, models=models)
    refresh(lake, NO_OFFSETS, day, compute)


def without_full(model: Model) -> Model:
    """Return the model, whose computation from all rows is an error."""
    return replace(model, compute=refuse)


def without_incremental(model: Model) -> Model:
    """Return the model, whose computation from the rows of affected employees is an error."""
    return replace(model, incremental=refuse)


def refuse(*_: object) -> NoReturn:
    raise AssertionError("this computation must not be used")


def test_incremental_refresh_after_random_changes_equals_a_full_refresh(lake: Lake) -> None:
    """Take over 20 s: after each step all figures are computed twice, incrementally and from all rows."""
    rng, day = Random(11), DAY
    for step in range(STEP_COUNT):
        activity_ids = rng.sample(range(ACTIVITY_COUNT + 20 * step), CHANGES_PER_STEP)
        merge_rows(lake, STRAVA_ACTIVITIES, activities(lake.spark, *(random_activity(rng, n) for n in activity_ids)))
        if step % 2:
            employee_ids = rng.sample(range(EMPLOYEE_COUNT + 2), 3)
            merge_rows(lake, RH_EMPLOYEES, employees(lake.spark, *(random_employee(rng, n) for n in employee_ids)))
        new_activities = (random_activity(rng, ACTIVITY_COUNT + 20 * step + n) for n in range(CHANGES_PER_STEP))
        lake.append(activities(lake.spark, *new_activities), "silver", "strava_activities")
        day += timedelta(days=step % 2)
        refresh_incrementally(lake, day, change_model=without_full)
        assert differing_models(lake, day) == set(), step
        assert lake.read("gold", "doubles").count() > 5, "too few overlaps to tell"


def test_incremental_refresh_decides_doubles_again_where_what_counted_changed(lake: Lake) -> None:
    """It is deleted (21), its double is moved (22), it becomes another's (23), it is flagged (24)."""

    def doubles() -> dict[int, int]:
        rows = lake.read("gold", "doubles").where(F.col("employee_id") >= EMPLOYEE_COUNT + 2).collect()
        return {row.employee_id: row.nb_doubles for row in rows}

    assert doubles() == {21: 2, 22: 1, 23: 1, 24: 1}
    changed = [recording(210, 21), recording(222, 22, 31), recording(231, 26, 1), recording(241, 24, 1, flagged=True)]
    merge_rows(lake, STRAVA_ACTIVITIES, activities(lake.spark, *changed))
    refresh_incrementally(lake, change_model=without_full)
    assert (doubles(), differing_models(lake, DAY)) == ({21: 1}, set())


def test_incremental_refresh_on_the_next_day_counts_its_activities(lake: Lake) -> None:
    refresh_incrementally(lake, DAY + timedelta(days=1), change_model=without_full)
    assert differing_models(lake, DAY) != set()
    assert differing_models(lake, DAY + timedelta(days=1)) == set()


@pytest.mark.long
def test_new_month_new_year_or_earlier_day_forces_a_full_refresh(lake: Lake) -> None:
    for day in (date(2026, 6, 1), date(2027, 1, 1), date(2026, 12, 31)):
        refresh_incrementally(lake, day, change_model=without_incremental)
        assert differing_models(lake, day) == set()


@pytest.mark.long
def test_vacuumed_change_feed_forces_a_full_refresh(lake: Lake) -> None:
    merge_rows(
        lake, STRAVA_ACTIVITIES, activities(lake.spark, random_activity(Random(1), 5), random_activity(Random(2), 6))
    )
    compact_and_vacuum(lake.store.path("silver", "strava_activities"), timedelta(0))
    refresh_incrementally(lake, change_model=without_incremental)
    assert differing_models(lake, DAY) == set()


@pytest.mark.long
def test_compaction_of_silver_does_not_break_the_incremental_refresh(lake: Lake) -> None:
    for number in (3, ACTIVITY_COUNT + 1):
        merge_rows(lake, STRAVA_ACTIVITIES, activities(lake.spark, random_activity(Random(number), number)))
        compact_and_vacuum(lake.store.path("silver", "strava_activities"), timedelta(days=7))
    refresh_incrementally(lake, change_model=without_full)
    assert differing_models(lake, DAY) == set()


@pytest.mark.long
def test_models_built_from_different_silver_versions_force_a_full_refresh(lake: Lake) -> None:
    merge_rows(lake, STRAVA_ACTIVITIES, activities(lake.spark, random_activity(Random(1), 3)))
    with pytest.raises(KeyboardInterrupt):
        refresh_incrementally(failing_before(lake, "gold/activites"))
    merge_rows(lake, STRAVA_ACTIVITIES, activities(lake.spark, random_activity(Random(2), 4)))
    refresh_incrementally(lake, change_model=without_incremental)
    assert differing_models(lake, DAY) == set()


@pytest.mark.long
def test_recreated_silver_table_with_the_same_version_number_is_detected(lake: Lake, tmp_path: Path) -> None:
    version = commit_log.last_data_version(lake.store, "silver", "strava_activities")
    rmtree(tmp_path / "lake" / "silver" / "strava_activities")
    create_tables(lake.store)
    lake.append(activities(lake.spark, random_activity(Random(1), 6)), "silver", "strava_activities")
    assert commit_log.last_data_version(lake.store, "silver", "strava_activities") == version
    refresh_incrementally(lake)
    assert differing_models(lake, DAY) == set()


@pytest.mark.long
def test_truncated_and_reloaded_silver_table_forces_a_full_refresh(lake: Lake) -> None:
    lake.overwrite(lake.empty_frame(STRAVA_ACTIVITIES.columns), "silver", "strava_activities")
    lake.append(activities(lake.spark, random_activity(Random(1), 5)), "silver", "strava_activities")
    refresh_incrementally(lake, change_model=without_incremental)
    assert differing_models(lake, DAY) == set()


@pytest.mark.long
def test_many_affected_employees_force_a_full_refresh(lake: Lake) -> None:
    merge_rows(lake, STRAVA_ACTIVITIES, activities(lake.spark, *(random_activity(Random(n), n) for n in range(9))))
    refresh_incrementally(lake, change_model=without_incremental, max_affected=1)
    assert differing_models(lake, DAY) == set()


@pytest.mark.long
def test_corrupted_gold_rows_are_repaired_by_a_full_refresh_only(lake: Lake) -> None:
    corrupted = lake.read("gold", "wellbeing").withColumn("nb_activities_year", lit(99).cast("bigint"))
    provenance = commit_log.provenance(lake.store, "gold", "wellbeing")
    lake.overwrite(corrupted, "gold", "wellbeing", provenance=provenance or "")
    refresh_incrementally(lake)
    assert differing_models(lake, DAY) != set()
    refresh(lake, NO_OFFSETS, DAY, partial(refresh_current, full_refresh=True, bulk_threshold=0))
    assert differing_models(lake, DAY) == set()
