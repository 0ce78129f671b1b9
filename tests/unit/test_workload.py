"""The seeded workload: its plan depends on the seed alone, and meets every hazard that it is there for."""

from collections import Counter

import pytest

from lakehouse.contracts import CAPTURED
from workload.expected import CORRECTED, DELETED, expected
from workload.plan import SHORT, Look, Plan, Refresh, plan
from workload.record import KEYS, held
from workload.session import Run


@pytest.fixture(scope="module")
def planned() -> Plan:
    return plan(1, SHORT)


def test_a_seed_gives_the_same_plan_each_time(planned: Plan) -> None:
    assert plan(1, SHORT) == planned
    assert plan(2, SHORT) != planned


def test_each_rule_of_each_contract_is_broken_and_refusals_end_in_every_way(planned: Plan) -> None:
    refused = [(name, one) for name, table in expected(planned.committed).items() for one in table.refused.values()]
    broken = {(name, why) for name, one in refused for why in one.reasons}
    assert broken == {(contract.table, rule.says) for contract in CAPTURED for rule in contract.rules}
    assert {one.closed_by for _, one in refused} == {CORRECTED, DELETED, None}


def test_transactions_overlap_and_some_come_to_nothing(planned: Plan) -> None:
    runs = [step for step in planned.steps if isinstance(step, Run)]
    begun = [step.session for step in runs if step.sql == "BEGIN"]
    ended = [step.session for step in runs if step.sql in {"COMMIT", "ROLLBACK"}]
    assert Counter(begun) == Counter(ended)
    assert begun != ended
    assert planned.done["ROLLBACK"] > 5
    assert planned.done["ROLLBACK TO here"] > 5
    assert any(sql.startswith("TRUNCATE") for sql in planned.done)


@pytest.mark.parametrize("table", KEYS)
def test_each_table_changes_in_every_way(planned: Plan, table: str) -> None:
    changes = [change for transaction in planned.committed for change in transaction if change.table == table]
    assert {change.op for change in changes} >= {"c", "u", "d"}
    assert any(f"SET {KEYS[table]} = %s" in sql for sql in planned.done if sql.startswith(f"UPDATE {table} "))
    assert any(f"SET {KEYS[table]} = {KEYS[table]} " in sql for sql in planned.done)


def test_what_is_toasted_is_left_alone_by_most_updates(planned: Plan) -> None:
    before = held(planned.committed[:1])["strava_activities"]
    left_alone = 0
    for change in (change for transaction in planned.committed for change in transaction):
        if change.table == "strava_activities" and change.row and change.key is not None:
            payload = change.row["raw_payload"]
            left_alone += (
                change.op == "u" and len(payload or "") > 8_000 and payload == before[change.key]["raw_payload"]
            )
            before = {**before, change.key: change.row}
    assert left_alone > 20


def test_it_looks_and_refreshes_between_and_once_in_parts(planned: Plan) -> None:
    refreshes = [step.whole for step in planned.steps if isinstance(step, Refresh)]
    assert refreshes.count(False) == 1
    assert len(refreshes) == 2
    assert sum(isinstance(step, Look) for step in planned.steps) == 3
