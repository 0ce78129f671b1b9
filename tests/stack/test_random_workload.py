"""Laws 1 to 5 under a seeded workload: five tables, several sessions at once, and a record of what they committed.

What the lake must hold is worked out in tests/workload, which shares no rule, order or state with the engine.
`pytest -s` prints what each seed did.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

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
    run_and_compare(make_harness, make_plan(1, SHORT_WORKLOAD))


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2, 12))
def test_long_random_workload_leaves_the_lake_equal_to_postgres(make_harness: HarnessFactory, seed: int) -> None:
    run_and_compare(make_harness, make_plan(seed, LONG_WORKLOAD))


def run_and_compare(make_harness: HarnessFactory, planned: Plan) -> None:
    """Run a plan, and compare the lake with its record: Silver at each whole refresh, everything at the end."""
    harness, tables = make_harness(CAPTURED, RELAX_CONSTRAINTS), expected_tables(planned.committed)

    def compare_silver(refresh: Refresh) -> None:
        if refresh.is_complete:
            model = expected_tables(planned.committed[: refresh.transaction_count])
            found = [
                invariants.check_silver_equals_postgres(harness, contract, model[contract.table])
                for contract in harness.contracts
            ]
            _assert_no_differences(planned, f"Silver after {refresh.transaction_count} transactions", found)

    snapshots = execute(planned, harness, compare_silver)
    print(f"\n{_summary(planned, tables, snapshots)}")
    _assert_no_differences(
        planned, "the record", [invariants.check_model_equals_postgres(harness, planned.committed, snapshots)]
    )
    found = parallel_map(
        lambda contract: _compare(harness, contract, tables[contract.table], snapshots), harness.contracts
    )
    _assert_no_differences(planned, "the lake", found)


def _compare(
    harness: CdcHarness, contract: Contract, table: TableModel, snapshots: Sequence[PostgresSnapshot]
) -> list[str]:
    messages = lake_rows.bronze_messages(harness, contract)
    if differences := invariants.check_bronze_equals_log(harness, contract, table, messages):
        return differences
    messages_by_place = lake_rows.index_by_position(messages)
    return [
        *invariants.check_versions(harness, contract, table, messages_by_place),
        *invariants.check_quarantine(harness, contract, table, messages_by_place),
        *invariants.check_time_travel(harness, contract, snapshots),
        *invariants.check_rebuild_is_identical(harness, contract),
    ]


def _assert_no_differences(planned: Plan, what: str, found: Sequence[list[str]]) -> None:
    differences = [one for each in found for one in each]
    shown = "\n".join(differences[:40])
    assert not differences, f"seed {planned.seed}, {what}: {len(differences)} differences\n{shown}"


def _summary(planned: Plan, tables: Mapping[str, TableModel], snapshots: Sequence[PostgresSnapshot]) -> str:
    ops = Counter(change.op for transaction in planned.committed for change in transaction)
    resolutions = Counter(one.resolution for table in tables.values() for one in table.refused.values())
    keys = {(name, place.key) for name, table in tables.items() for place in table.changes if place.key}
    rollbacks = planned.statement_counts["ROLLBACK"], planned.statement_counts["ROLLBACK TO here"]
    return (
        f"seed {planned.seed}: {len(planned.committed) - 1} transactions of up to {_longest(planned)} changes, "
        f"{rollbacks[0]} and {rollbacks[1]} savepoints rolled back; {sum(ops.values())} changes of {len(keys)} keys "
        f"({', '.join(f'{ops[op]} {op}' for op in 'rcudt')}); {sum(resolutions.values())} refused "
        f"({resolutions['corrigé']} corrected, {resolutions['supprimé']} deleted, {resolutions[None]} open); "
        f"{len(snapshots)} snapshots, {sum(len(one.xip) for one in snapshots)} transactions open in them"
    )


def _longest(planned: Plan) -> int:
    return max(map(len, planned.committed[1:]))
