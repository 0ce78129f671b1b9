"""After a difference: which runs of the journal were computed from the rows that differ."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from lakehouse.cdc.lake import Lake
from lakehouse.cdc.maintenance import compact_and_vacuum
from lakehouse.cdc.table_store import TableStore
from lakehouse.contracts import RH_EMPLOYEES
from lakehouse.reconcile.compare import Difference
from lakehouse.reconcile.table_comparison import TableResult
from lakehouse.refresh.proof import Proof
from lakehouse.refresh.refresh import refresh
from lakehouse.refresh.suspect_runs import describe_suspect_runs, find_suspect_runs
from lakehouse.refresh.table_setup import create_tables
from spark.builders import NO_OFFSETS, employees, reward_rules
from spark.recording_proof import RecordingProof

DAY = date(2026, 6, 10)
SALARY_DIFFERS = [Difference("1", "id=1", "differs in salaire_brut")]


@pytest.fixture
def lake(spark: SparkSession, tmp_path: Path) -> Lake:
    lake = Lake(spark, TableStore(str(tmp_path)))
    create_tables(lake.store)
    lake.append(employees(spark, {"id": 1}, {"id": 2}), "silver", "rh_employees")
    lake.append(reward_rules(spark, {"valid_from": date(2026, 1, 1)}), "silver", "reward_rules")
    return lake


def run_ids(lake: Lake) -> list[str]:
    return [row.run_id for row in lake.read("gold", "runs").orderBy("started_at", ascending=False).collect()]


def suspect_ids(lake: Lake, differences: list[Difference]) -> list[str]:
    return [run.run_id for run in find_suspect_runs(lake, RH_EMPLOYEES, differences).runs]


def test_runs_computed_from_a_tampered_row_are_named_and_those_before_are_not(lake: Lake) -> None:
    """Take over 20 s: four refreshes, with a stranger's update between the second and the third."""
    for _ in range(2):
        refresh(lake, NO_OFFSETS, DAY)
    lake.table("silver", "rh_employees").update("id = 1", {"salaire_brut": "90000"})
    for _ in range(2):
        refresh(lake, NO_OFFSETS, DAY)
    fourth, third, _, _ = run_ids(lake)
    assert suspect_ids(lake, SALARY_DIFFERS) == [fourth, third]
    assert suspect_ids(lake, [Difference("9", "id=9", "only in Postgres")]) == run_ids(lake)
    results = [TableResult("rh_employees", differing_bucket_count=1, differences=SALARY_DIFFERS)]
    [line, _] = describe_suspect_runs(lake, [RH_EMPLOYEES], results)
    assert line.startswith("rh_employees: computed from the differing rows: run of ")
    assert "90000" not in line


@pytest.mark.long
def test_run_whose_proof_compared_the_whole_table_ends_the_search(lake: Lake) -> None:
    refresh(lake, NO_OFFSETS, DAY)
    refresh(lake, NO_OFFSETS, DAY, proof=RecordingProof())
    refresh(lake, NO_OFFSETS, DAY, proof=Proof())
    assert suspect_ids(lake, [Difference("9", "id=9", "only in Postgres")]) == run_ids(lake)[:1]


@pytest.mark.long
def test_runs_of_which_silvers_files_are_gone_are_named_as_unknown(lake: Lake) -> None:
    refresh(lake, NO_OFFSETS, DAY)
    lake.table("silver", "rh_employees").update("id = 2", {"salaire_brut": "90000"})
    compact_and_vacuum(lake.store.path("silver", "rh_employees"), timedelta(0))
    found = find_suspect_runs(lake, RH_EMPLOYEES, SALARY_DIFFERS)
    assert (found.runs, found.unreadable_version) == ([], 1)
    results = [TableResult("rh_employees", differing_bucket_count=1, differences=SALARY_DIFFERS)]
    assert "cannot be judged" in describe_suspect_runs(lake, [RH_EMPLOYEES], results)[0]
