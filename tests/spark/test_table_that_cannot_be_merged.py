"""Whatever is raised while one table is merged stops that table and the figures that read it, and no other."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from lakehouse.cdc.contract import Contract
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.merge.silver import catch_up
from lakehouse.contracts import DISTANCE_CACHE, RH_EMPLOYEES, STRAVA_ACTIVITIES
from lakehouse.errors import LakehouseError, LockLost, NotReady, SchemaMismatch, SourceMismatch
from lakehouse.gold.bitemporal import AsOf
from lakehouse.gold.models import MODELS
from lakehouse.refresh import merge_tables
from lakehouse.refresh.explain import explain
from lakehouse.refresh.explain_fr import render
from lakehouse.refresh.open_refusals import OpenRefusals
from lakehouse.refresh.runs import Run
from spark.builders import NO_OFFSETS
from spark.company_lake import REFRESH_DAY, CompanyLake, activity, employee
from spark.lake_copies import copy_lake

ALL_MODELS = {model.name for model in MODELS}
WRONG_LEAVE = "valeur d'un autre type : nb_conges_payes"


@pytest.fixture(scope="module")
def unmerged_company(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> CompanyLake:
    return CompanyLake.create(spark, tmp_path_factory.mktemp("company"))


@pytest.fixture
def company(unmerged_company: CompanyLake, tmp_path: Path) -> CompanyLake:
    return CompanyLake(copy_lake(unmerged_company.lake, tmp_path))


def figures(company: CompanyLake) -> set[str]:
    """Return the figures that were ever computed."""
    return {name for name in ALL_MODELS if company.data_commits("gold", name)}


def fail_at_distances(monkeypatch: pytest.MonkeyPatch, work: Callable[[Lake], None]) -> None:
    def catch_up_or_fail(lake: Lake, contract: Contract, *cut: Any) -> Any:
        if contract is DISTANCE_CACHE:
            work(lake)
        return catch_up(lake, contract, *cut)

    monkeypatch.setattr(merge_tables, "catch_up", catch_up_or_fail)


def raise_error(error: Exception) -> Callable[[Lake], None]:
    def work(_: Lake) -> None:
        raise error

    return work


def cast_a_secret(lake: Lake) -> None:
    lake.spark.sql("SELECT CAST('secret' AS INT)").collect()


@pytest.mark.parametrize(
    ("work", "named"),
    [
        pytest.param(
            raise_error(SchemaMismatch("distance_cache: gone")), "distance_cache: gone", marks=pytest.mark.long
        ),
        pytest.param(
            raise_error(ValueError("secret")),
            "distance_cache could not be merged: ValueError at lakehouse/",
            marks=pytest.mark.long,
        ),
        (cast_a_secret, "distance_cache could not be merged: CAST_INVALID_INPUT at lakehouse/"),
    ],
    ids=["of our own", "of Python", "of Spark"],
)
def test_error_of_one_table_stops_the_figures_that_read_it_and_quotes_no_value(
    company: CompanyLake, monkeypatch: pytest.MonkeyPatch, work: Callable[[Lake], None], named: str
) -> None:
    fail_at_distances(monkeypatch, work)
    with pytest.raises(LakehouseError, match=named) as error:
        company.refresh()
    assert "No figure that reads distance_cache was computed; the others are up to date." in str(error.value)
    assert "secret" not in str(error.value)
    assert figures(company) == ALL_MODELS - {"prime_sportive"}
    monkeypatch.undo()
    company.refresh()
    assert figures(company) == ALL_MODELS


@pytest.mark.parametrize(
    "error",
    [
        LockLost("lost"),
        *(pytest.param(error, marks=pytest.mark.long) for error in (SourceMismatch("another"), NotReady("away"))),
    ],
    ids=repr,
)
def test_error_of_the_whole_system_stops_every_figure(
    company: CompanyLake, monkeypatch: pytest.MonkeyPatch, error: LakehouseError
) -> None:
    fail_at_distances(monkeypatch, raise_error(error))
    with pytest.raises(type(error), match=str(error)):
        company.refresh()
    assert figures(company) == set()


def test_any_error_after_the_lock_was_lost_stops_every_figure(
    company: CompanyLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise LockLost("lost")

    lake = Lake(company.lake.spark, company.lake.store, pre_commit_check=fail)
    fail_at_distances(monkeypatch, raise_error(ValueError("connection closed")))
    with pytest.raises(LockLost):
        merge_tables.merge_tables(lake, Run(REFRESH_DAY, NO_OFFSETS), [DISTANCE_CACHE])


def test_table_that_no_longer_fits_stops_its_figures_and_the_others_go_on(company: CompanyLake) -> None:
    company.update(STRAVA_ACTIVITIES, *(activity(key, 1, distance_m="très loin") for key in range(100, 120)))
    with pytest.raises(LakehouseError, match="strava_activities: 20 of 21 changes") as error:
        company.refresh()
    assert "très loin" not in str(error.value)
    assert figures(company) == {"prime_sportive", "qualite_donnees"}


@pytest.mark.long
def test_row_of_another_type_marks_its_person_and_stops_no_figure(company: CompanyLake) -> None:
    company.refresh()
    company.update(RH_EMPLOYEES, employee(2, nb_conges_payes="abc", salaire_brut="90000.00"))
    company.update(STRAVA_ACTIVITIES, activity(7, 1, distance_m="très loin"), activity(8, None))
    run = company.refresh()
    assert run.outcome == "ok"
    assert run.open_refusals == {
        "rh_employees": OpenRefusals(1, ['{"id":2}'], [2]),
        "strava_activities": OpenRefusals(2, ['{"activity_id":8}', '{"activity_id":7}'], [1]),
    }
    salaries = {row.id: str(row.salaire_brut) for row in company.lake.silver(RH_EMPLOYEES).collect()}
    assert salaries == {1: "30000.00", 2: "30000.00"}
    marked = {
        (row.table_source, row.motif): row.salaries for row in company.lake.read("gold", "qualite_donnees").collect()
    }
    assert marked == {
        ("rh_employees", WRONG_LEAVE): "2",
        ("strava_activities", "valeur d'un autre type : distance_m"): "1",
        ("strava_activities", "salarié absent"): None,
    }
    explained = [[*render(explain(company.lake, key, AsOf(REFRESH_DAY, REFRESH_DAY), None))] for key in (1, 2)]
    warning = "Attention : des modifications sont refusées, et la dernière version acceptée compte"
    assert [lines[2] for lines in explained] == [warning, warning]
    assert "strava_activities, activity_id 7 : valeur d'un autre type : distance_m  [LSN" in explained[0][3]
    assert f"rh_employees, id 2 : {WRONG_LEAVE}  [LSN" in explained[1][3]
    assert not [line for lines in explained for line in lines if "90 000" in line or "très loin" in line]
    company.update(RH_EMPLOYEES, employee(2, salaire_brut="40000.00"))
    company.update(STRAVA_ACTIVITIES, activity(7, 1), activity(8, 1))
    assert company.refresh().open_refusals == {}
    assert warning not in [*render(explain(company.lake, 2, AsOf(REFRESH_DAY, REFRESH_DAY), None))]
