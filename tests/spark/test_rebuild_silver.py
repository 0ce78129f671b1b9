"""A rebuild of Silver is judged before the first table is overwritten, and is owed until it has ended.

It emptied Silver before it judged, and then said that nothing was changed.
"""

from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from lakehouse.cdc.contract import Contract
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.merge.silver import prepare_rebuild
from lakehouse.contracts import CAPTURED, RH_EMPLOYEES, SPORT_ACTIVITIES, STRAVA_ACTIVITIES
from lakehouse.errors import LakehouseError
from lakehouse.refresh import merge_tables
from spark.company_lake import CompanyLake, employee
from spark.hooked_lake import HookedLake, failing_before
from spark.lake_copies import copy_lake

TABLES_OF_EMPLOYEES = (("silver", "rh_employees"), ("silver", "rh_employees_versions"), ("gold", "prime_sportive"))
TABLES_OF_SPORTS = (("silver", "sport_activities"), ("silver", "sport_activities_versions"))


@pytest.fixture(scope="module")
def refreshed_company(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> CompanyLake:
    company = CompanyLake.create(spark, tmp_path_factory.mktemp("company"))
    company.refresh()
    return company


@pytest.fixture
def company(refreshed_company: CompanyLake, tmp_path: Path) -> CompanyLake:
    return CompanyLake(copy_lake(refreshed_company.lake, tmp_path))


def commits(company: CompanyLake, *tables: tuple[str, str]) -> list[int]:
    return [company.data_commits(*table) for table in tables]


def test_rebuild_that_does_not_fit_leaves_its_table_and_figures_and_rebuilds_the_others(company: CompanyLake) -> None:
    company.update(RH_EMPLOYEES, *(employee(key, nb_conges_payes="abc") for key in range(100, 120)))
    before, sports_before = commits(company, *TABLES_OF_EMPLOYEES), commits(company, *TABLES_OF_SPORTS)
    with pytest.raises(LakehouseError, match=r"rh_employees: 20 of 22 changes .* Nothing was changed in this table's"):
        company.refresh(rebuild_silver=True)
    assert commits(company, *TABLES_OF_EMPLOYEES) == before
    assert company.silver_ids(RH_EMPLOYEES) == [1, 2]
    assert company.lake.quarantine().count() == 0
    assert commits(company, *TABLES_OF_SPORTS) == [count + 1 for count in sports_before]


@pytest.mark.long
def test_every_table_is_judged_before_the_first_is_overwritten(
    company: CompanyLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []

    def judge(lake: Lake, contract: Contract, *cut: Any) -> Any:
        prepared = prepare_rebuild(lake, contract, *cut)
        events.append("judged")
        return prepared

    monkeypatch.setattr(merge_tables, "prepare_rebuild", judge)
    company.refresh(HookedLake(company.lake.spark, company.lake.store, before_write=events.append), rebuild_silver=True)
    assert events[: len(CAPTURED)] == ["judged"] * len(CAPTURED)
    assert "silver/rh_employees" in events


@pytest.mark.parametrize(
    "table",
    [
        "silver/rh_employees",
        *(
            pytest.param(f"silver/{name}", marks=pytest.mark.long)
            for name in ("quarantine", "rh_employees_versions", "strava_activities")
        ),
    ],
)
def test_rebuild_killed_in_between_is_done_again_by_the_next_run(company: CompanyLake, table: str) -> None:
    for contract in (RH_EMPLOYEES, SPORT_ACTIVITIES):
        company.lake.table("silver", contract.table).delete("id = 2")
    gold_before = commits(company, ("gold", "prime_sportive"))
    with pytest.raises(KeyboardInterrupt):
        company.refresh(failing_before(company.lake, table), rebuild_silver=True)
    assert commits(company, ("gold", "prime_sportive")) == gold_before
    company.refresh()
    assert [company.silver_ids(contract) for contract in (RH_EMPLOYEES, SPORT_ACTIVITIES)] == [[1, 2], [1, 2]]
    assert company.lake.versions(RH_EMPLOYEES).count() == 2
    assert company.lake.read("gold", "prime_sportive").count() == 2
    silver_before = commits(company, *TABLES_OF_EMPLOYEES, *TABLES_OF_SPORTS)
    company.refresh()
    assert commits(company, *TABLES_OF_EMPLOYEES, *TABLES_OF_SPORTS) == silver_before


@pytest.mark.timeout(200)
def test_rebuild_of_a_table_without_messages_ends(lake: Lake) -> None:
    """Its plan filled the JVM's memory: the refresh stood still."""
    assert prepare_rebuild(lake, STRAVA_ACTIVITIES, {}).write().changes == 0
