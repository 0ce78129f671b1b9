"""The seeded workload: its plan depends on the seed alone and covers every hazard."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import pairwise
from typing import cast

import pytest

from lakehouse.contracts import CAPTURED
from workload.committed_transactions import KEYS, Row, state_after
from workload.model import CORRECTED, DELETED, TableModel, expected_tables, refusal_reasons
from workload.plan import SHORT_WORKLOAD, Plan, Refresh, TakeSnapshot, make_plan
from workload.row_generator import MAX_MOVING_S, MAX_PAUSES_S, SLOT_S, start_of_slot
from workload.session_model import Statement

# An activity of the longest duration that starts so late in its slot still ends in it.
MAX_LATENESS = timedelta(seconds=SLOT_S - MAX_MOVING_S - MAX_PAUSES_S)


@pytest.fixture(scope="module")
def planned() -> Plan:
    return make_plan(2, SHORT_WORKLOAD)


def test_a_seed_gives_the_same_plan_each_time(planned: Plan) -> None:
    assert make_plan(2, SHORT_WORKLOAD) == planned
    assert make_plan(3, SHORT_WORKLOAD) != planned


def test_plan_breaks_every_contract_rule_and_resolves_refusals_in_every_way(planned: Plan) -> None:
    refused = [
        (name, entry) for name, table in expected_tables(planned.committed).items() for entry in table.refused.values()
    ]
    broken = {(name, reason) for name, entry in refused for reason in entry.reasons}
    assert broken == {(contract.table, rule.message) for contract in CAPTURED for rule in contract.rules}
    assert {entry.resolution for _, entry in refused} == {CORRECTED, DELETED, None}


def test_plan_has_overlapping_and_rolled_back_transactions(planned: Plan) -> None:
    runs = [step for step in planned.steps if isinstance(step, Statement)]
    begun = [step.session for step in runs if step.sql == "BEGIN"]
    ended = [step.session for step in runs if step.sql in {"COMMIT", "ROLLBACK"}]
    assert Counter(begun) == Counter(ended)
    assert begun != ended
    assert planned.statement_counts["ROLLBACK"] > 5
    assert planned.statement_counts["ROLLBACK TO here"] > 5
    assert any(sql.startswith("TRUNCATE") for sql in planned.statement_counts)


@pytest.mark.parametrize("table", KEYS)
def test_plan_inserts_updates_deletes_and_changes_keys_of_every_table(planned: Plan, table: str) -> None:
    changes = [change for transaction in planned.committed for change in transaction if change.table == table]
    assert {change.op for change in changes} >= {"c", "u", "d"}
    assert any(
        f"SET {KEYS[table]} = %s" in sql for sql in planned.statement_counts if sql.startswith(f"UPDATE {table} ")
    )
    assert any(f"SET {KEYS[table]} = {KEYS[table]} " in sql for sql in planned.statement_counts)


def test_plan_has_updates_that_leave_toasted_values_unchanged(planned: Plan) -> None:
    before = state_after(planned.committed[:1])["strava_activities"]
    unchanged_count = 0
    for change in (change for transaction in planned.committed for change in transaction):
        if change.table == "strava_activities" and change.row and change.key is not None:
            payload = change.row["raw_payload"]
            unchanged_count += (
                change.op == "u" and len(payload or "") > 8_000 and payload == before[change.key]["raw_payload"]
            )
            before = {**before, change.key: change.row}
    assert unchanged_count > 20


def test_each_activity_is_in_the_slot_of_its_key_except_a_refused_one(planned: Plan) -> None:
    starts = {
        (change.key, change.row["start_date_utc"])
        for transaction in planned.committed
        for change in transaction
        if change.table == "strava_activities" and change.row and not refusal_reasons(change.table, change.row)
    }
    assert all(timedelta(0) <= start - start_of_slot(key) < MAX_LATENESS for key, start in starts if key is not None)


@pytest.mark.parametrize("seed", [3, 12])
def test_valid_activities_of_one_employee_never_overlap(seed: int) -> None:
    activities = TableModel()
    for transaction in make_plan(seed, SHORT_WORKLOAD).committed:
        changes = [change for change in transaction if change.table == "strava_activities"]
        for change in changes:
            activities.apply(change)
        if changes:
            assert overlaps(activities.accepted.values()) == []
    assert activities.accepted


def overlaps(activities: Iterable[Row]) -> list[tuple[Row, Row]]:
    """Return the activities, in pairs, of which one starts before an earlier one of its employee ends."""

    def end(row: Row) -> datetime:
        seconds = max(row["moving_time_s"] or 0, row["elapsed_time_s"] or 0)
        return cast("datetime", row["start_date_utc"]) + timedelta(seconds=seconds)

    in_order = sorted(activities, key=lambda row: (row["employee_id"], row["start_date_utc"]))
    return [
        (before, after)
        for before, after in pairwise(in_order)
        if before["employee_id"] == after["employee_id"] and after["start_date_utc"] < end(before)
    ]


def test_plan_has_three_snapshots_and_one_partial_refresh(planned: Plan) -> None:
    refreshes = [step.is_complete for step in planned.steps if isinstance(step, Refresh)]
    assert refreshes.count(False) == 1
    assert len(refreshes) == 2
    assert sum(isinstance(step, TakeSnapshot) for step in planned.steps) == 3
