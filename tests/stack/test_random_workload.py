"""Laws 1 to 5 under a seeded workload on five tables, with interleaved sessions and known commits.

The expected lake is computed in tests/workload, which shares no rule, order or state with the engine.
`pytest -s` prints a summary of each seed's workload.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

import pytest

from lakehouse.cdc.contract import Contract
from lakehouse.contracts import CAPTURED
from lakehouse.spark.parallel import parallel_map
from stack.cdc_harness import CdcHarness, HarnessFactory
from workload import invariants, lake_rows
from workload.executor import RELAX_CONSTRAINTS, PostgresSnapshot, execute
from workload.model import TableModel, expected_tables
from workload.plan import LONG_WORKLOAD, SHORT_WORKLOAD, Plan, Refresh, make_plan


def test_random_workload_leaves_the_lake_equal_to_postgres(make_harness: HarnessFactory) -> None:
    """Take two minutes: a connector of its own, many random transactions, and a comparison after each refresh."""
    run_and_compare(make_harness, make_plan(1, SHORT_WORKLOAD))


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2, 12))
def test_long_random_workload_leaves_the_lake_equal_to_postgres(make_harness: HarnessFactory, seed: int) -> None:
    run_and_compare(make_harness, make_plan(seed, LONG_WORKLOAD))


def run_and_compare(make_harness: HarnessFactory, plan: Plan) -> None:
    """Run a plan, and compare Silver after each complete refresh, and all layers at the end, with its commits."""
    harness, tables = make_harness(CAPTURED, RELAX_CONSTRAINTS), expected_tables(plan.committed)

    def compare_silver(refresh: Refresh) -> None:
        if refresh.is_complete:
            model = expected_tables(plan.committed[: refresh.transaction_count])
            differences = [
                invariants.check_silver_equals_postgres(harness, contract, model[contract.table])
                for contract in harness.contracts
            ]
            _assert_no_differences(plan, f"Silver after {refresh.transaction_count} transactions", differences)

    snapshots = execute(plan, harness, compare_silver)
    print(f"\n{_summary(plan, tables, snapshots)}")
    _assert_no_differences(
        plan, "the plan's model", [invariants.check_model_equals_postgres(harness, plan.committed, snapshots)]
    )
    differences = parallel_map(
        lambda contract: _compare(harness, contract, tables[contract.table], snapshots), harness.contracts
    )
    _assert_no_differences(plan, "the lake", differences)


def _compare(
    harness: CdcHarness, contract: Contract, table: TableModel, snapshots: Sequence[PostgresSnapshot]
) -> list[str]:
    messages = lake_rows.bronze_messages(harness, contract)
    if differences := invariants.check_bronze_equals_log(harness, contract, table, messages):
        return differences
    messages_by_position = lake_rows.index_by_position(messages)
    return [
        *invariants.check_versions(harness, contract, table, messages_by_position),
        *invariants.check_quarantine(harness, contract, table, messages_by_position),
        *invariants.check_time_travel(harness, contract, snapshots),
        *invariants.check_rebuild_is_identical(harness, contract),
    ]


def _assert_no_differences(plan: Plan, subject: str, found: Iterable[list[str]]) -> None:
    differences = [*chain.from_iterable(found)]
    shown = "\n".join(differences[:40])
    assert not differences, f"seed {plan.seed}, {subject}: {len(differences)} differences\n{shown}"


def _summary(plan: Plan, tables: Mapping[str, TableModel], snapshots: Sequence[PostgresSnapshot]) -> str:
    ops = Counter(change.op for transaction in plan.committed for change in transaction)
    resolutions = Counter(refusal.resolution for table in tables.values() for refusal in table.refused.values())
    keys = {(name, position.key) for name, table in tables.items() for position in table.changes if position.key}
    rollbacks = plan.statement_counts["ROLLBACK"], plan.statement_counts["ROLLBACK TO here"]
    return (
        f"seed {plan.seed}: {len(plan.committed) - 1} transactions of up to {_longest(plan)} changes, "
        f"{rollbacks[0]} and {rollbacks[1]} savepoints rolled back; {sum(ops.values())} changes of {len(keys)} keys "
        f"({', '.join(f'{ops[op]} {op}' for op in 'rcudt')}); {sum(resolutions.values())} refused "
        f"({resolutions['corrigé']} corrected, {resolutions['supprimé']} deleted, {resolutions[None]} open); "
        f"{len(snapshots)} snapshots, {sum(len(snapshot.xip) for snapshot in snapshots)} transactions open in them"
    )


def _longest(plan: Plan) -> int:
    return max(map(len, plan.committed[1:]))
