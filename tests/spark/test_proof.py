"""The proof of a run: whose rows it compares, what the journal notes of it, and what a difference stops."""

from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from lakehouse.cdc.lake import Lake
from lakehouse.cdc.table_store import TableStore
from lakehouse.contracts import CAPTURED
from lakehouse.errors import CaptureMismatch, SilverDiffers
from lakehouse.gold.models import MODELS
from lakehouse.refresh.current import refresh_current
from lakehouse.refresh.proof import (
    DIFFERS,
    NO_PROVED_CUT,
    PROVED,
    RESTS_ON_CUT,
    UNVERIFIED,
    Proof,
    ProvedCut,
    earlier_proof,
)
from lakehouse.refresh.refresh import refresh
from lakehouse.refresh.runs import RUNS
from lakehouse.refresh.table_setup import create_tables
from lakehouse.source.capture_settings import Finding
from lakehouse.source.consistent_cut import cut_to_json
from spark.builders import NO_OFFSETS, activities, distances, employees, reward_rules, utc
from spark.lake_copies import copy_lake
from spark.recording_proof import PROVED_AT, RecordingProof

DAY = date(2026, 6, 10)
STRAVA = ("silver", "strava_activities")
PROOF_COLUMNS = {"proof", "proved_at", "proved_cut", "proved_rows", "counted_rows", "proved_tables"}


@pytest.fixture
def lake(refreshed_lake: Lake, tmp_path: Path) -> Lake:
    """Return a lake of three employees, refreshed once."""
    return copy_lake(refreshed_lake, tmp_path)


@pytest.fixture(scope="module")
def refreshed_lake(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    lake = Lake(spark, TableStore(str(tmp_path_factory.mktemp("lake"))))
    create_tables(lake.store)
    lake.append(employees(spark, {"id": 1}, {"id": 2}, {"id": 3}), "silver", "rh_employees")
    lake.append(reward_rules(spark, {"valid_from": date(2026, 1, 1)}), "silver", "reward_rules")
    lake.append(activities(spark, {"start_date_utc": utc("2026-05-01 10:00")}), "silver", "strava_activities")
    refresh(lake, NO_OFFSETS, DAY)
    return lake


def last_run(lake: Lake) -> Any:
    return lake.read("gold", "runs").orderBy("started_at", ascending=False).first()


def refresh_long_lake(lake: Lake, day: date = DAY, *, full_refresh: bool = False) -> list[int] | None:
    """Refresh as a lake of many activities is; return the employees to prove, None for all."""
    proof = RecordingProof()
    refresh(lake, NO_OFFSETS, day, partial(refresh_current, bulk_threshold=0, full_refresh=full_refresh), proof=proof)
    return proof.employee_ids


def test_difference_stops_all_of_gold_and_is_noted_in_the_journal(lake: Lake) -> None:
    before = {model.name: lake.store.delta_table("gold", model.name).version() for model in MODELS}
    lake.append(employees(lake.spark, {"id": 4}), "silver", "rh_employees")
    lake.append(activities(lake.spark, {"activity_id": 9, "start_date_utc": utc("2026-05-02 10:00")}), *STRAVA)
    with pytest.raises(SilverDiffers):
        refresh(lake, NO_OFFSETS, DAY, proof=RecordingProof(differs=True))
    assert {model.name: lake.store.delta_table("gold", model.name).version() for model in MODELS} == before
    run = last_run(lake)
    assert (run.outcome, run.proof, run.proved_cut, run.totals_before) == (
        "failed: SilverDiffers",
        DIFFERS,
        None,
        run.totals_after,
    )


@pytest.mark.long
def test_rows_to_prove_are_those_of_the_employees_whose_figures_the_run_changes(lake: Lake) -> None:
    """Take over 20 s: the lake is refreshed after each kind of change."""
    assert refresh_long_lake(lake) == []
    lake.append(
        activities(lake.spark, {"activity_id": 9, "employee_id": 2, "start_date_utc": utc("2026-05-02 10:00")}), *STRAVA
    )
    assert refresh_long_lake(lake) == [2]
    lake.append(distances(lake.spark, {"id": 1, "origin_address": "3 rue de l'Essai"}), "silver", "distance_cache")
    assert refresh_long_lake(lake) == [3]
    lake.append(employees(lake.spark, {"id": 4}), "silver", "rh_employees")
    lake.append(distances(lake.spark, {"id": 2, "origin_address": "1 rue de l'Essai"}), "silver", "distance_cache")
    assert refresh_long_lake(lake) == [1, 4]
    assert refresh_long_lake(lake, full_refresh=True) == []


@pytest.mark.long
def test_every_row_is_proved_where_a_rule_changes_everybodys_figures(lake: Lake) -> None:
    lake.append(
        reward_rules(lake.spark, {"valid_from": date(2026, 2, 1), "min_activities": 20}), "silver", "reward_rules"
    )
    assert refresh_long_lake(lake) is None


@pytest.mark.long
def test_every_row_is_proved_where_a_stranger_deleted_a_row_of_silver(lake: Lake) -> None:
    lake.table(*STRAVA).delete("activity_id = 0")
    assert refresh_long_lake(lake) is None


def test_stopped_tables_are_left_out_of_the_proof(lake: Lake) -> None:
    proof = RecordingProof()
    stopped = Finding("public.sport_activities", "its replica identity is NOTHING", "ALTER TABLE x")
    with pytest.raises(CaptureMismatch):
        refresh(lake, NO_OFFSETS, DAY, problems=[stopped], proof=proof)
    assert proof.tables_read == {contract.table for contract in CAPTURED} - {"sport_activities"}


def test_unverified_run_is_noted_in_the_journal(lake: Lake) -> None:
    refresh(lake, NO_OFFSETS, DAY, proof=Proof(UNVERIFIED))
    run = last_run(lake)
    assert (run.outcome, run.proof, run.proved_at, run.proved_rows) == ("ok", UNVERIFIED, None, 0)


def test_run_that_compares_nothing_names_the_last_proved_cut(lake: Lake) -> None:
    assert (earlier_proof(lake.store).state, earlier_proof(lake.store).cut) == (NO_PROVED_CUT, None)
    refresh(lake, NO_OFFSETS, DAY, proof=RecordingProof())
    refresh(lake, NO_OFFSETS, DAY, proof=Proof(UNVERIFIED))
    with pytest.raises(SilverDiffers):
        refresh(lake, NO_OFFSETS, DAY, proof=RecordingProof(differs=True))
    assert earlier_proof(lake.store).cut == ProvedCut(NO_OFFSETS, PROVED_AT)
    refresh(lake, NO_OFFSETS, DAY, lambda _, __: None, proof=earlier_proof(lake.store))
    run = last_run(lake)
    assert (run.outcome, run.proof, run.proved_cut) == ("ok", RESTS_ON_CUT, cut_to_json(NO_OFFSETS))
    assert run.proved_at is not None


@pytest.mark.long
def test_journal_of_an_existing_lake_gets_the_columns_of_the_proof(spark: SparkSession, tmp_path: Path) -> None:
    store = TableStore(str(tmp_path))
    store.create("gold", "runs", {name: kind for name, kind in RUNS.items() if name not in PROOF_COLUMNS})
    create_tables(store)
    assert store.has_columns("gold", "runs", RUNS)
    lake = Lake(spark, store)
    lake.append(reward_rules(spark, {"valid_from": date(2026, 1, 1)}), "silver", "reward_rules")
    refresh(lake, NO_OFFSETS, DAY, proof=RecordingProof())
    assert [row.proof for row in lake.read("gold", "runs").collect()] == [PROVED]
