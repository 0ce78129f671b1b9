"""A column's type is changed there and back, with one row in between: the figures go on, and the row is named.

Its person is marked wherever shown. It stopped every figure for good, and neither a resnapshot nor a rebuild helped.
"""

import pytest

from lakehouse.clock import today
from lakehouse.contracts import CAPTURED, RH_EMPLOYEES
from lakehouse.gold.bitemporal import AsOf
from lakehouse.reconcile.reconcile import reconcile
from lakehouse.refresh.explain import explain
from lakehouse.refresh.explain_fr import render
from lakehouse.refresh.open_refusals import OpenRefusals
from lakehouse.refresh.refresh import refresh
from lakehouse.refresh.runs import Run
from lakehouse.refresh.set_aside import MessageChoice, set_aside
from lakehouse.refresh.table_setup import create_tables
from stack.cdc_harness import CdcHarness, HarnessFactory
from support.timing import seconds

ROWS = """
    INSERT INTO rh_employees (id, nom, prenom, salaire_brut, nb_conges_payes, date_embauche)
    SELECT n, 'Mendes', 'Juliette', 30000, 25, '2020-01-01' FROM generate_series(1, 3) n;
    INSERT INTO strava_activities
      (activity_id, employee_id, distance_m, moving_time_s, elapsed_time_s, start_date_utc, start_date_local)
    VALUES (7, 1, 5000, 3600, 3600, now() - interval '1 day', now() - interval '1 day');
    INSERT INTO reward_rules VALUES ('2020-01-01', 0.05, 15000, 25000, 15, 5, 'calendar_year', 'Lattes')
      ON CONFLICT DO NOTHING
"""
# The wrong row is updated, and put right by the change back alone: no event tells of that.
THERE = (
    "ALTER TABLE rh_employees ALTER nb_conges_payes TYPE text",
    "UPDATE rh_employees SET nb_conges_payes = 'vingt-cinq', salaire_brut = 90000 WHERE id = 2",
)
BACK = """
    ALTER TABLE rh_employees ALTER nb_conges_payes TYPE int
    USING CASE WHEN nb_conges_payes ~ '^[0-9]+$' THEN nb_conges_payes::int ELSE 25 END
"""
LATER = "UPDATE rh_employees SET salaire_brut = 40000 WHERE id = 3"
REASON = "valeur d'un autre type : nb_conges_payes"
WARNING = "Attention : des modifications sont refusées, et la dernière version acceptée compte"


@pytest.fixture
def harness(make_harness: HarnessFactory) -> CdcHarness:
    harness = make_harness(CAPTURED)
    harness.execute(*ROWS.strip().split(";\n"))
    create_tables(harness.lake.store)
    harness.start()
    return harness


def run_refresh(harness: CdcHarness, *, rebuild_silver: bool = False) -> Run:
    return refresh(harness.lake, harness.drain(seconds(120)), today(), rebuild_silver=rebuild_silver)


def salaries(harness: CdcHarness) -> dict[int, float]:
    return {row.employee_id: row.salaire_brut for row in harness.lake.read("gold", "prime_sportive").collect()}


@pytest.mark.long
def test_figures_go_on_and_the_row_between_two_changes_of_type_is_named(harness: CdcHarness) -> None:
    """Take over 20 s: a connector of its own for the company's five tables, and five refreshes."""
    run_refresh(harness)
    harness.execute(*THERE, BACK, LATER)
    for rebuild_silver in (False, True):
        run = run_refresh(harness, rebuild_silver=rebuild_silver)
        assert run.outcome == "ok"
        assert salaries(harness) == {1: 30_000.0, 2: 30_000.0, 3: 40_000.0}
        assert run.open_refusals == {"rh_employees": OpenRefusals(1, ['{"id":2}'], [2])}
        [quality] = harness.lake.read("gold", "qualite_donnees").collect()
        assert (quality.motif, quality.etat, quality.salaries) == (REASON, "ouvert", "2")
    day = today()
    lines = [*render(explain(harness.lake, 2, AsOf(day, day), None))]
    assert lines[2] == WARNING
    assert f"rh_employees, id 2 : {REASON}  [LSN" in lines[3]
    assert WARNING not in [*render(explain(harness.lake, 1, AsOf(day, day), None))]
    results = reconcile(harness.settings, harness.lake, harness.contracts, timeout=seconds(120), max_differences=10)
    assert [result.table for result in results if not result.is_equal] == []
    assert {result.table: result.refused for result in results if result.refused} == {"rh_employees": 1}
    harness.execute("UPDATE rh_employees SET salaire_brut = 31000 WHERE id = 2")
    assert run_refresh(harness).open_refusals == {}
    assert salaries(harness)[2] == 31_000.0


@pytest.mark.long
def test_merged_change_that_is_set_aside_is_undone_in_the_figures(harness: CdcHarness) -> None:
    """Take over 20 s: a connector of its own for the company's five tables, and three refreshes."""
    run_refresh(harness)
    harness.execute("UPDATE rh_employees SET salaire_brut = 90000 WHERE id = 2")
    run_refresh(harness)
    assert salaries(harness)[2] == 90_000.0
    contract = next(one for one in harness.contracts if one.table == RH_EMPLOYEES.table)
    last = harness.lake.silver(contract).where("id = 2").first()
    assert last
    refused_at = last["_committed_at"]
    done = set_aside(harness.lake.store, contract, MessageChoice(last["_offset"]), "saisie en double", refused_at)
    assert done.was_merged
    for rebuild_silver in (False, True):
        run = run_refresh(harness, rebuild_silver=rebuild_silver)
        assert salaries(harness)[2] == 30_000.0
        assert run.open_refusals == {"rh_employees": OpenRefusals(1, ['{"id":2}'], [2])}
    results = reconcile(harness.settings, harness.lake, harness.contracts, timeout=seconds(120), max_differences=10)
    assert [result.table for result in results if not result.is_equal] == []
