"""Laws 1 to 5 under a seeded workload: five tables, several sessions at once, and a record of what they committed.

What the lake must hold is worked out in tests/workload, which shares no rule, order or state with the engine.
`pytest -s` prints what each seed did.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

import pytest

from lakehouse.cdc.contract import Contract
from lakehouse.cdc.side_by_side import side_by_side
from lakehouse.contracts import CAPTURED
from stack.lab import Bench, Lab
from workload import lake, laws
from workload.expected import Table, expected
from workload.plan import LONG, SHORT, Plan, Refresh, plan
from workload.run import LAX, Seen, run


def test_the_lake_is_what_postgres_committed(lab: Lab) -> None:
    follow(lab, plan(1, SHORT))


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2, 12))
def test_the_lake_is_what_postgres_committed_at_length(lab: Lab, seed: int) -> None:
    follow(lab, plan(seed, LONG))


def follow(lab: Lab, planned: Plan) -> None:
    """Run a plan, and compare the lake with its record: Silver at each whole refresh, everything at the end."""
    bench, tables = lab(CAPTURED, LAX), expected(planned.committed)

    def silver_follows(refresh: Refresh) -> None:
        if refresh.whole:
            then = expected(planned.committed[: refresh.committed])
            found = [laws.silver_is_postgres(bench, contract, then[contract.table]) for contract in bench.contracts]
            _none(planned, f"Silver after {refresh.committed} transactions", found)

    seen = run(planned, bench, silver_follows)
    print(f"\n{_counts(planned, tables, seen)}")
    _none(planned, "the record", [laws.the_record_is_postgres(bench, planned.committed, seen)])
    found = side_by_side(lambda contract: _compare(bench, contract, tables[contract.table], seen), bench.contracts)
    _none(planned, "the lake", found)


def _compare(bench: Bench, contract: Contract, table: Table, seen: Sequence[Seen]) -> list[str]:
    messages = lake.messages(bench, contract)
    if wrong := laws.bronze_is_the_log(bench, contract, table, messages):
        return wrong
    at = lake.placed(messages)
    return [
        *laws.versions_are_what_postgres_wrote(bench, contract, table, at),
        *laws.nothing_vanishes(bench, contract, table, at),
        *laws.the_past_is_what_it_was(bench, contract, seen),
        *laws.once_is_twice(bench, contract),
    ]


def _none(planned: Plan, what: str, found: Sequence[list[str]]) -> None:
    differences = [one for each in found for one in each]
    shown = "\n".join(differences[:40])
    assert not differences, f"seed {planned.seed}, {what}: {len(differences)} differences\n{shown}"


def _counts(planned: Plan, tables: Mapping[str, Table], seen: Sequence[Seen]) -> str:
    ops = Counter(change.op for transaction in planned.committed for change in transaction)
    closed_by = Counter(one.closed_by for table in tables.values() for one in table.refused.values())
    keys = {(name, place.key) for name, table in tables.items() for place in table.changes if place.key}
    back = planned.done["ROLLBACK"], planned.done["ROLLBACK TO here"]
    return (
        f"seed {planned.seed}: {len(planned.committed) - 1} transactions of up to {_longest(planned)} changes, "
        f"{back[0]} and {back[1]} savepoints rolled back; {sum(ops.values())} changes of {len(keys)} keys "
        f"({', '.join(f'{ops[op]} {op}' for op in 'rcudt')}); {sum(closed_by.values())} refused "
        f"({closed_by['corrigé']} corrected, {closed_by['supprimé']} deleted, {closed_by[None]} open); "
        f"{len(seen)} snapshots, {sum(len(one.running) for one in seen)} transactions open in them"
    )


def _longest(planned: Plan) -> int:
    return max(map(len, planned.committed[1:]))
