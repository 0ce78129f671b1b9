"""Law 9: what another program wrote is made again in Silver and Gold, and stops the figures that read it in Bronze."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from deltalake import CommitProperties
from pyspark.sql import SparkSession

from lakehouse.cdc import schemas, table_stats
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.foreign_commits import accept
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.table_store import TableStore
from lakehouse.contracts import CAPTURED, REWARD_RULES, RH_EMPLOYEES
from lakehouse.errors import ForeignCommitFound
from lakehouse.gold.models import MODELS
from lakehouse.refresh.foreign_repair import find_in_lake
from lakehouse.refresh.maintain_tables import maintain_tables
from lakehouse.refresh.refresh import refresh
from lakehouse.refresh.runs import Run
from lakehouse.refresh.table_setup import create_tables
from lakehouse.source.consistent_cut import ConsistentCut, bronze_cut
from spark.columns import to_ddl
from spark.hooked_lake import HookedLake, failing_before
from spark.lake_copies import copy_lake
from spark.messages import Change
from support.memory_ledger import MemoryLedger

NO_RETENTION = timedelta(0)
DAY = date(2026, 6, 1)
ALL_MODELS = {model.name for model in MODELS}
RULES_ROW = {
    "valid_from": (date(2020, 1, 1) - date(1970, 1, 1)).days,
    "bonus_rate": "0.05",
    "walk_limit_m": 15000,
    "bike_limit_m": 25000,
    "min_activities": 15,
    "wellbeing_days": 5,
    "activity_window": "calendar_year",
    "destination": "x",
}


@pytest.fixture
def lake(refreshed_lake: Lake, tmp_path: Path) -> Lake:
    """Return a lake of two employees and one rule, merged and computed, with every commit noted."""
    return copy_lake(refreshed_lake, tmp_path)


@pytest.fixture(scope="module")
def refreshed_lake(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    lake = Lake(spark, TableStore(str(tmp_path_factory.mktemp("lake")), MemoryLedger()))
    create_tables(lake.store)
    for contract in CAPTURED:
        lake.store.create_bronze(contract, {})
    append_to_bronze(lake, RH_EMPLOYEES, employee(1), employee(2), employee(3, salaire_brut="-1.00"))
    append_to_bronze(lake, REWARD_RULES, RULES_ROW)
    refresh(lake, cut(lake), DAY)
    return lake


def employee(number: int, **fields: Any) -> Mapping[str, Any]:
    return {**dict.fromkeys(RH_EMPLOYEES.columns), "id": number, "salaire_brut": "52770.00", **fields}


def append_to_bronze(lake: Lake, contract: Contract, *rows: Mapping[str, Any]) -> None:
    ends = table_stats.bronze_offsets(lake.store, contract)
    first = max(ends.values(), default=-1) + 1
    messages = [json.dumps({"op": "c", "after": row, "source": {"snapshot": "false"}}) for row in rows]
    bronze = [Change("c", 1, raw=text).to_bronze_row(first + n) for n, text in enumerate(messages)]
    lake.append(lake.spark.createDataFrame(bronze, to_ddl(schemas.BRONZE)), "bronze", contract.table)


def cut(lake: Lake) -> ConsistentCut:
    return bronze_cut(lake.store, CAPTURED)


def employees_of(lake: Lake, layer: str, name: str, column: str = "id") -> list[int]:
    return sorted(row[column] for row in lake.read(layer, name).collect())


def recomputed(run: Run) -> set[str]:
    return {stage.removeprefix("gold/") for stage in run.seconds} & ALL_MODELS


def unresolved(lake: Lake) -> list[str]:
    return [one.table for one in find_in_lake(lake.store).commits]


def test_refresh_maintenance_and_refresh_are_no_strangers(lake: Lake) -> None:
    written = [("silver", name) for name in (RH_EMPLOYEES.table, f"{RH_EMPLOYEES.table}_versions", "quarantine")]
    assert [*maintain_tables(lake.store, written, NO_RETENTION, 1_000_000)]
    append_to_bronze(lake, RH_EMPLOYEES, employee(4))
    run = refresh(lake, cut(lake), DAY)
    assert (run.outcome, unresolved(lake)) == ("ok", [])


def test_delete_of_a_silver_row_through_another_client_is_undone_from_bronze_and_gold_follows(lake: Lake) -> None:
    lake.store.delta_table("silver", RH_EMPLOYEES.table).delete("id = 1")
    run = refresh(lake, cut(lake), DAY)
    assert employees_of(lake, "silver", RH_EMPLOYEES.table) == [1, 2]
    assert employees_of(lake, "gold", "prime_sportive", "employee_id") == [1, 2]
    assert [result.table for result in run.catch_up_results if result.changes] == [RH_EMPLOYEES.table]
    assert (run.outcome, unresolved(lake)) == ("ok", [])
    assert not recomputed(refresh(lake, cut(lake), DAY))


def test_update_of_a_gold_row_with_the_last_commits_user_metadata_is_computed_again(lake: Lake) -> None:
    table = lake.store.delta_table("gold", "prime_sportive")
    copied = CommitProperties(custom_metadata={"userMetadata": table.history(1)[0]["userMetadata"]})
    table.update({"motif": "'eligible'"}, predicate="employee_id = 1", commit_properties=copied)
    assert recomputed(refresh(lake, cut(lake), DAY)) == {"prime_sportive"}
    assert {row.motif for row in lake.read("gold", "prime_sportive").collect()} == {"mode_non_eligible"}
    assert unresolved(lake) == []


def test_append_to_bronze_by_a_stranger_stops_its_figures_and_names_version_and_remedy(lake: Lake) -> None:
    unnoted = replace(lake, store=TableStore(lake.store.root))
    append_to_bronze(unnoted, RH_EMPLOYEES, employee(9))
    append_to_bronze(lake, REWARD_RULES, {**RULES_ROW, "bonus_rate": "0.06", "valid_from": RULES_ROW["valid_from"] + 1})  # type: ignore[operator]
    version = lake.store.delta_table("bronze", RH_EMPLOYEES.table).version()
    for _ in range(2):
        with pytest.raises(
            ForeignCommitFound,
            match=rf"rh_employees has version {version}: WRITE .*foreign_commits\.py --accept bronze/rh_employees",
        ):
            refresh(lake, cut(lake), DAY)
        assert employees_of(lake, "silver", RH_EMPLOYEES.table) == [1, 2]
        assert lake.silver(REWARD_RULES).count() == 2
        assert employees_of(lake, "gold", "prime_sportive", "employee_id") == [1, 2]
    accept(lake.store, "bronze", RH_EMPLOYEES.table, "accepted: a test")
    assert refresh(lake, cut(lake), DAY).outcome == "ok"
    assert employees_of(lake, "gold", "prime_sportive", "employee_id") == [1, 2, 9]


@pytest.mark.long
def test_foreign_version_of_the_versions_has_the_table_rebuilt(lake: Lake) -> None:
    name = f"{RH_EMPLOYEES.table}_versions"
    lake.store.delta_table("silver", name).delete("id = 2")
    refresh(lake, cut(lake), DAY)
    assert employees_of(lake, "silver", name) == [1, 2, 3]
    assert unresolved(lake) == []


@pytest.mark.long
def test_foreign_version_of_the_quarantine_has_every_table_rebuilt(lake: Lake) -> None:
    assert lake.quarantine().count() == 1
    lake.store.delta_table("silver", "quarantine").update({"table_name": "'forged'"})
    run = refresh(lake, cut(lake), DAY)
    assert [row.table_name for row in lake.quarantine().collect()] == [RH_EMPLOYEES.table]
    assert {result.table for result in run.catch_up_results if result.changes} == {
        RH_EMPLOYEES.table,
        REWARD_RULES.table,
    }
    assert unresolved(lake) == []


def test_journal_goes_back_to_its_last_own_version(lake: Lake) -> None:
    lake.store.delta_table("gold", "runs").update({"outcome": "'ok, I say'"})
    refresh(lake, cut(lake), DAY)
    assert [row.outcome for row in lake.read("gold", "runs").collect()] == ["ok", "ok"]
    assert unresolved(lake) == []


@pytest.mark.long
def test_table_as_of_a_day_whose_own_version_is_gone_is_emptied(lake: Lake) -> None:
    store, name = lake.store, "prime_sportive_au"
    days = ("DATE '2026-01-01' AS as_of", "DATE '2026-01-01' AS known_at")
    lake.append(lake.read("gold", "prime_sportive").selectExpr(*days, "*"), "gold", name)
    store.delta_table("gold", name).alter.set_table_properties({"delta.appendOnly": "false"})
    log = Path(store.path("gold", name), "_delta_log")
    store.delta_table("gold", name).create_checkpoint()
    for version in range(store.latest_version("gold", name)):
        Path(log, f"{version:020d}.json").unlink()
    refresh(lake, cut(lake), DAY)
    assert lake.read("gold", name).count() == 0
    assert unresolved(lake) == []


@pytest.mark.long
def test_stranger_that_writes_while_a_refresh_runs_stops_gold_and_the_next_run_repairs_it(lake: Lake) -> None:
    def write_after_the_merge(table: str) -> None:
        if table == f"silver/{RH_EMPLOYEES.table}_versions":
            lake.store.delta_table("silver", RH_EMPLOYEES.table).delete("id = 1")

    append_to_bronze(lake, RH_EMPLOYEES, employee(4))
    hooked = HookedLake(lake.spark, lake.store, before_write=write_after_the_merge)
    with pytest.raises(
        ForeignCommitFound, match=r"while this refresh ran; Gold is unchanged[\s\S]*silver/rh_employees"
    ):
        refresh(hooked, cut(lake), DAY)
    assert employees_of(lake, "gold", "prime_sportive", "employee_id") == [1, 2]
    refresh(lake, cut(lake), DAY)
    assert employees_of(lake, "gold", "prime_sportive", "employee_id") == [1, 2, 4]


@pytest.mark.long
def test_rebuild_that_is_killed_is_repeated(lake: Lake) -> None:
    lake.store.delta_table("silver", RH_EMPLOYEES.table).delete("id = 1")
    with pytest.raises(KeyboardInterrupt):
        refresh(failing_before(lake, f"silver/{RH_EMPLOYEES.table}_versions"), cut(lake), DAY)
    assert unresolved(lake) == ["silver/rh_employees"]
    refresh(lake, cut(lake), DAY)
    assert employees_of(lake, "gold", "prime_sportive", "employee_id") == [1, 2]
