"""A workload drawn from a seed: interleaved sessions, whose transactions commit in another order than they wrote.

A plan holds all statements before any runs, and the transactions that Postgres must commit, in their order.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from workload.committed_transactions import KEYS, Transaction, as_initial_snapshot
from workload.operations import ALL_OPERATIONS, WEIGHTED_OPERATIONS, TableOperation, hire
from workload.session_model import Session, Statement


@dataclass(frozen=True)
class StartConnector:
    """A step that starts the connector, whose initial snapshot reads the rows committed before it."""


@dataclass(frozen=True)
class TakeSnapshot:
    """A step that reads all rows in one Postgres snapshot; `transaction_count` transactions have committed."""

    transaction_count: int


@dataclass(frozen=True)
class Refresh:
    """A step that merges each table up to a share of its new rows; `transaction_count` transactions have committed."""

    shares: Mapping[str, float]
    transaction_count: int

    @property
    def is_complete(self) -> bool:
        """Whether every table is merged in full."""
        return set(self.shares.values()) == {1.0}


Step = Statement | StartConnector | TakeSnapshot | Refresh


@dataclass(frozen=True)
class WorkloadSize:
    """The size of a workload: at least this many changes, then a snapshot and a full refresh.

    Of the refreshes before the last, one merges only a random share of each table.
    """

    changes: int
    sessions: int = 4
    snapshots: int = 4
    refreshes: int = 2


SHORT_WORKLOAD = WorkloadSize(changes=1_000, snapshots=2, refreshes=1)
LONG_WORKLOAD = WorkloadSize(changes=4_000, sessions=6, snapshots=5, refreshes=3)


@dataclass
class Plan:
    """The steps to run, and the transactions in commit order; the first is the connector's initial snapshot."""

    seed: int
    steps: list[Step] = field(default_factory=list)
    committed: list[Transaction] = field(default_factory=list)
    statement_counts: Counter[str] = field(default_factory=Counter)

    def add(self, session: Session, statement: Statement) -> None:
        """Append a statement; a COMMIT also appends its session's changes to `committed`."""
        self.steps.append(statement)
        if statement.sql == "COMMIT":
            self.committed.append(session.changes)
        self.statement_counts[statement.sql] += 1


def make_plan(seed: int, size: WorkloadSize) -> Plan:
    """Return the plan of a seed, which is the same on every call."""
    rng, plan = Random(seed), Plan(seed)
    sessions = [Session(number, size.sessions) for number in range(size.sessions)]
    for session in sessions:
        first_operations = [(hire, "rh_employees"), *rng.choices(WEIGHTED_OPERATIONS, k=3)]
        _run_alone(plan, session, _transaction(session, rng, first_operations, commits=True))
    plan.committed[:] = [as_initial_snapshot(plan.committed)]
    plan.steps.append(StartConnector())
    _interleave_sessions(plan, sessions, rng, size)
    plan.steps += [TakeSnapshot(len(plan.committed)), Refresh(dict.fromkeys(KEYS, 1.0), len(plan.committed))]
    return plan


def _interleave_sessions(plan: Plan, sessions: Sequence[Session], rng: Random, size: WorkloadSize) -> None:
    snapshot_points = sorted(rng.sample(range(size.changes), k=size.snapshots))
    refresh_points = sorted(rng.sample(range(size.changes), k=size.refreshes))
    partial_refresh = rng.randrange(size.refreshes)
    remaining_operations = rng.sample(ALL_OPERATIONS, k=len(ALL_OPERATIONS))
    while (changes := sum(map(len, plan.committed))) < size.changes:
        session = rng.choice(sessions)
        if (
            session.open_transaction is None
            and rng.random() < 0.05
            and not any(other.may_hold_lock("distance_cache") for other in sessions)
        ):
            _run_alone(plan, session, _truncation(session, rng, sessions))
            continue
        if session.open_transaction is None:
            operations = [
                remaining_operations.pop() if remaining_operations else rng.choice(WEIGHTED_OPERATIONS)
                for _ in range(rng.choice((1, 1, 2, 4)))
            ]
            session.open_transaction = _transaction(session, rng, operations)
        _advance(plan, session)
        if snapshot_points and changes >= snapshot_points[0]:
            snapshot_points.pop(0)
            plan.steps.append(TakeSnapshot(len(plan.committed)))
        if refresh_points and changes >= refresh_points[0]:
            shares = {table: rng.random() if len(refresh_points) == partial_refresh + 1 else 1.0 for table in KEYS}
            refresh_points.pop(0)
            plan.steps.append(Refresh(shares, len(plan.committed)))
    for session in sessions:
        while session.open_transaction:
            _advance(plan, session)


def _advance(plan: Plan, session: Session) -> None:
    assert session.open_transaction is not None
    statement = next(session.open_transaction, None)
    if statement is None:
        session.open_transaction = None
    else:
        plan.add(session, statement)


def _run_alone(plan: Plan, session: Session, statements: Iterator[Statement]) -> None:
    session.open_transaction = statements
    while session.open_transaction:
        _advance(plan, session)


def _transaction(
    session: Session, rng: Random, operations: Sequence[TableOperation], *, commits: bool = False
) -> Iterator[Statement]:
    yield session.begin()
    for operation, table in operations:
        has_savepoint = rng.random() < 0.2
        if has_savepoint:
            yield session.savepoint()
        yield from operation(session, rng, table)
        if has_savepoint:
            rolls_back = not commits and rng.random() < 0.5
            yield session.roll_back_to_savepoint() if rolls_back else session.release()
    yield session.commit() if commits or rng.random() < 0.9 else session.roll_back()


def _truncation(session: Session, rng: Random, sessions: Sequence[Session]) -> Iterator[Statement]:
    """Return a transaction with a TRUNCATE of distance_cache between two other operations.

    TRUNCATE locks the table, so that no other session may have a lock on it.
    """

    def truncate(truncating: Session, _: Random, table: str) -> Iterator[Statement]:
        yield truncating.truncate(table, sessions)

    before, after = rng.choices(WEIGHTED_OPERATIONS, k=2)
    return _transaction(session, rng, [before, (truncate, "distance_cache"), after])
