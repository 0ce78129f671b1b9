"""Laws 1 to 5 under a seeded workload: five tables, sessions at once, against a record of what was committed.

`pytest -s` prints what each seed did. The whole comparison is made anew in tests/workload, which shares no rule,
order or state with the engine.
"""

from collections import Counter
from collections.abc import Mapping

import pytest

from lakehouse.contracts import CAPTURED
from stack.lab import Bench, Lab
from workload import lake, laws
from workload.expected import Table, expected
from workload.plan import Plan, Refresh, Size, plan
from workload.run import LAX, Seen, run

SHORT, LONG = Size(changes=1_500), Size(changes=12_000, sessions=6, looks=8, refreshes=6)


def test_the_lake_is_what_postgres_committed(lab: Lab) -> None:
    follow(lab, plan(1, SHORT))


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2, 12))
def test_the_lake_is_what_postgres_committed_at_length(lab: Lab, seed: int) -> None:
    follow(lab, plan(seed, LONG))


def follow(lab: Lab, planned: Plan) -> None:
    """Run a plan, and compare the lake with its record: Silver at each whole refresh, everything at the end."""
    bench = lab(CAPTURED, LAX)

    def silver_follows(refresh: Refresh) -> None:
        if refresh.whole:
            tables = expected(planned.committed[: refresh.committed])
            for contract in bench.contracts:
                differences = laws.silver_is_postgres(bench, contract, tables[contract.table])
                _none(planned, f"Silver after {refresh.committed} transactions", differences)

    seen = run(planned, bench, silver_follows)
    bench.refresh()
    tables = expected(planned.committed)
    print(f"\n{_counts(planned, tables, seen)}")
    _none(planned, "record", laws.the_record_is_postgres(bench, planned.committed, seen))
    _compare(bench, planned, tables, seen)


def _compare(bench: Bench, planned: Plan, tables: Mapping[str, Table], seen: list[Seen]) -> None:
    found: dict[str, list[str]] = {}
    for contract in bench.contracts:
        table, messages = tables[contract.table], lake.messages(bench, contract)
        _none(planned, "Bronze", laws.bronze_is_the_log(bench, contract, table, messages))
        at, versions = lake.placed(messages), lake.rows(bench.lake.versions(contract))
        each = {
            "Silver": laws.silver_is_postgres(bench, contract, table),
            "quarantine": laws.nothing_vanishes(bench, contract, table, at),
            "versions": laws.versions_are_what_postgres_wrote(contract, table, at, versions),
            "past": laws.the_past_is_what_it_was(bench, contract, seen),
            "rebuilt": laws.once_is_twice(bench, contract),
        }
        for law, differences in each.items():
            found.setdefault(law, []).extend(differences)
    _none(planned, "the lake", [f"{law}: {one}" for law, differences in found.items() for one in differences])


def _none(planned: Plan, what: str, differences: list[str]) -> None:
    shown = "\n".join(differences[:40])
    assert not differences, f"seed {planned.seed}, {what}: {len(differences)} differences\n{shown}"


def _counts(planned: Plan, tables: Mapping[str, Table], seen: list[Seen]) -> str:
    ops = Counter(change.op for transaction in planned.committed for change in transaction)
    refused = [refusal for table in tables.values() for refusal in table.refused.values()]
    keys = len({(name, place.key) for name, table in tables.items() for place in table.changes if place.key})
    changes = ", ".join(f"{ops[op]} {op}" for op in "rcudt")
    return (
        f"seed {planned.seed}: {len(planned.committed) - 1} transactions, the longest {_longest(planned)} changes, "
        f"{planned.done['ROLLBACK']} rolled back and {planned.done['ROLLBACK TO here']} savepoints; "
        f"{sum(ops.values())} changes ({changes}) of {keys} keys; "
        f"{len(refused)} refused for {len({why for one in refused for why in one.reasons})} reasons, "
        f"{sum(one.closed_by is None for one in refused)} still open; "
        f"{len(seen)} snapshots, {sum(map(len, (one.running for one in seen)))} transactions running in them"
    )


def _longest(planned: Plan) -> int:
    return max(map(len, planned.committed[1:]))
