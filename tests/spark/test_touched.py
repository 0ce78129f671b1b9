"""Law 7: after a few changes the figures are amended where people are touched, and are those computed from all rows."""

from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from random import Random
from shutil import copytree, rmtree
from typing import NoReturn

import pytest
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse.cdc.catalog import Catalog
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.upkeep import keep
from lakehouse.contracts import RH_EMPLOYEES, STRAVA_ACTIVITIES
from lakehouse.gold import figures as figures_module
from lakehouse.gold import today as today_module
from lakehouse.gold import touched
from lakehouse.gold.figures import Figure, figures
from lakehouse.gold.refresh import make_tables, refresh
from lakehouse.gold.rules import RuleBook
from lakehouse.gold.today import figures_of_the_day
from spark.builders import NOTHING, RULES, Fields, activities, always, employees, reward_rules, utc

DAY = date(2026, 5, 29)
# From all rows, or from those of the people touched.
WHOLE, AMENDED = ("wellbeing", "activities_spread"), ("wellbeing_amended", "spread_amended")
PEOPLE, DONE, STEPS, CHANGES = 12, 150, 3, 15


@pytest.fixture(scope="module")
def refreshed(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("refreshed")
    lake, chance = Lake(spark, Catalog(str(root))), Random(7)
    make_tables(lake.catalog)
    lake.append(reward_rules(spark, {"valid_from": date(2020, 1, 1)}), "silver", "reward_rules")
    lake.append(employees(spark, *(anybody(chance, n) for n in range(PEOPLE))), "silver", "rh_employees")
    lake.append(activities(spark, *(anything(chance, n) for n in range(DONE))), "silver", "strava_activities")
    refresh(lake, NOTHING, DAY)
    return root


@pytest.fixture
def lake(spark: SparkSession, refreshed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """Give a lake of its own, refreshed, whose few rows are as many as it takes."""
    monkeypatch.setattr(today_module, "MANY", 0)
    monkeypatch.setattr(today_module, "figures", amendable)
    return Lake(spark, Catalog(str(copytree(refreshed, tmp_path / "lake"))))


def amendable(book: RuleBook, day: date) -> Mapping[str, Figure]:
    return {name: figure for name, figure in figures(book, day).items() if figure.amend}


def anybody(chance: Random, number: int) -> Fields:
    return {"id": number, "business_unit": chance.choice(["Finance", "Ventes", None])}


def anything(chance: Random, number: int) -> Fields:
    """Give an activity of anybody, present or not, in the years around, tomorrow included."""
    ago = chance.choice([timedelta(days=-1), timedelta(hours=6), timedelta(days=chance.randrange(500))])
    return {
        "activity_id": number,
        "employee_id": chance.randrange(PEOPLE + 2),
        "start_date_utc": utc(DAY.isoformat()) - ago,
        "sport_type": chance.choice(["Run", "Tennis"]),
        "distance_m": chance.choice([None, 0, chance.randrange(30_000)]),
        "flagged": chance.random() < 0.1,
    }


def change(lake: Lake, contract: Contract, rows: DataFrame) -> None:
    """Put rows, and take away those whose key five divides, in one commit, as a catch-up does."""
    key = contract.key[0]
    values: dict[str, str | Column] = {name: f"s.{name}" for name in contract.columns}
    there = lake.table("silver", contract.table).alias("t").merge(rows.alias("s"), f"t.{key} = s.{key}")
    put = there.whenMatchedDelete(f"s.{key} % 5 = 0").whenMatchedUpdate(set=values)
    put.whenNotMatchedInsert(f"s.{key} % 5 <> 0", values=values).execute()


def wrong(lake: Lake, day: date) -> set[str]:
    """Name the figures that can be amended whose rows are not those computed from all of Silver."""
    return {
        name
        for name, figure in amendable(always(RULES), day).items()
        if Counter(lake.read("gold", name).collect()) != Counter(figure.compute(lake).collect())
    }


def forbid(monkeypatch: pytest.MonkeyPatch, *ways: str) -> None:
    """Make it an error to compute a figure so."""

    def refuse(*_: object) -> NoReturn:
        raise AssertionError(f"computed by {ways}")

    for way in ways:
        monkeypatch.setattr(figures_module, way, refuse)


def test_whatever_changes_amended_figures_are_those_of_all_rows(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    chance, day = Random(11), DAY
    for step in range(STEPS):
        some = chance.sample(range(DONE + 20 * step), CHANGES)
        change(lake, STRAVA_ACTIVITIES, activities(lake.spark, *(anything(chance, n) for n in some)))
        if step % 2:
            staff = chance.sample(range(PEOPLE + 2), 3)
            change(lake, RH_EMPLOYEES, employees(lake.spark, *(anybody(chance, n) for n in staff)))
        more = (anything(chance, DONE + 20 * step + n) for n in range(CHANGES))
        lake.append(activities(lake.spark, *more), "silver", "strava_activities")
        day += timedelta(days=step % 2)
        with monkeypatch.context() as patched:
            forbid(patched, *WHOLE)
            refresh(lake, NOTHING, day)
        assert wrong(lake, day) == set(), step


def test_a_new_day_counts_what_began_on_it(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    forbid(monkeypatch, *WHOLE)
    refresh(lake, NOTHING, DAY + timedelta(days=1))
    monkeypatch.undo()
    assert wrong(lake, DAY) != set()
    assert wrong(lake, DAY + timedelta(days=1)) == set()


@pytest.mark.long
def test_another_month_or_year_or_an_earlier_day_is_computed_whole(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    forbid(monkeypatch, *AMENDED)
    for day in (date(2026, 6, 1), date(2027, 1, 1), date(2026, 12, 31)):
        refresh(lake, NOTHING, day)
        assert wrong(lake, day) == set()


@pytest.mark.long
def test_what_the_log_no_longer_tells_is_computed_whole(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    forbid(monkeypatch, *AMENDED)
    change(lake, STRAVA_ACTIVITIES, activities(lake.spark, anything(Random(1), 5), anything(Random(2), 6)))
    keep(lake.catalog.path("silver", "strava_activities"), timedelta(0))
    refresh(lake, NOTHING, DAY)
    assert wrong(lake, DAY) == set()


@pytest.mark.long
def test_small_files_put_together_meanwhile_change_nothing(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in (3, DONE + 1):
        change(lake, STRAVA_ACTIVITIES, activities(lake.spark, anything(Random(number), number)))
        keep(lake.catalog.path("silver", "strava_activities"), timedelta(days=7))
    forbid(monkeypatch, *WHOLE)
    refresh(lake, NOTHING, DAY)
    monkeypatch.undo()
    assert wrong(lake, DAY) == set()


@pytest.mark.long
def test_figures_made_of_different_rows_are_computed_whole(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    change(lake, STRAVA_ACTIVITIES, activities(lake.spark, anything(Random(1), 3)))
    put = Lake.replace

    def dies(self: Lake, rows: DataFrame, layer: str, name: str, *, made_of: str) -> None:
        if name == "activites":
            raise KeyboardInterrupt
        put(self, rows, layer, name, made_of=made_of)

    with monkeypatch.context() as patched:
        patched.setattr(Lake, "replace", dies)
        with pytest.raises(KeyboardInterrupt):
            refresh(lake, NOTHING, DAY)
    change(lake, STRAVA_ACTIVITIES, activities(lake.spark, anything(Random(2), 4)))
    forbid(monkeypatch, *AMENDED)
    refresh(lake, NOTHING, DAY)
    assert wrong(lake, DAY) == set()


@pytest.mark.long
def test_a_silver_made_anew_is_another_one(lake: Lake, tmp_path: Path) -> None:
    version = lake.catalog.version("silver", "strava_activities")
    rmtree(tmp_path / "lake" / "silver" / "strava_activities")
    make_tables(lake.catalog)
    lake.append(activities(lake.spark, anything(Random(1), 6)), "silver", "strava_activities")
    assert lake.catalog.version("silver", "strava_activities") == version
    refresh(lake, NOTHING, DAY)
    assert wrong(lake, DAY) == set()


@pytest.mark.long
def test_a_table_emptied_and_read_again_is_computed_whole(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    forbid(monkeypatch, *AMENDED)
    lake.empty("silver", "strava_activities", STRAVA_ACTIVITIES.columns)
    lake.append(activities(lake.spark, anything(Random(1), 5)), "silver", "strava_activities")
    refresh(lake, NOTHING, DAY)
    assert wrong(lake, DAY) == set()


@pytest.mark.long
def test_where_many_are_touched_all_is_computed(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(touched, "FEW", 1)
    forbid(monkeypatch, *AMENDED)
    change(lake, STRAVA_ACTIVITIES, activities(lake.spark, *(anything(Random(n), n) for n in range(9))))
    refresh(lake, NOTHING, DAY)
    assert wrong(lake, DAY) == set()


@pytest.mark.long
def test_what_is_wrong_stays_so_until_all_is_asked_for(lake: Lake) -> None:
    spoilt = lake.read("gold", "wellbeing").withColumn("nb_activities_year", F.lit(99).cast("bigint"))
    made = lake.catalog.made_of("gold", "wellbeing")
    lake.replace(spoilt, "gold", "wellbeing", made_of=made or "")
    refresh(lake, NOTHING, DAY)
    assert wrong(lake, DAY) != set()
    refresh(lake, NOTHING, DAY, partial(figures_of_the_day, full=True))
    assert wrong(lake, DAY) == set()
