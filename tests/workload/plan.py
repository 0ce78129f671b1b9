"""A workload from a seed: sessions that take turns, transactions that commit in another order than they wrote.

A plan says all of it before anything runs, and what Postgres must then have committed, in which order.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from workload.acts import EVERY, USUAL, Deed, hire
from workload.record import KEYS, Transaction, as_read
from workload.session import Run, Session


@dataclass(frozen=True)
class Start:
    """Start the connector; it reads what is there by then."""


@dataclass(frozen=True)
class Look:
    """Note all rows in one snapshot; `committed` transactions are in it."""

    committed: int


@dataclass(frozen=True)
class Refresh:
    """Catch up each table, to this share of what is new; `committed` transactions are in all of it."""

    shares: Mapping[str, float]
    committed: int

    @property
    def whole(self) -> bool:
        return set(self.shares.values()) == {1.0}


Step = Run | Start | Look | Refresh


@dataclass(frozen=True)
class Size:
    """How much a workload does: it ends with the first transaction past its changes, a look and a refresh.

    Of the refreshes before, one stops anywhere in what is new.
    """

    changes: int
    sessions: int = 4
    looks: int = 4
    refreshes: int = 2


SHORT = Size(changes=1_000, looks=2, refreshes=1)
LONG = Size(changes=4_000, sessions=6, looks=5, refreshes=3)


@dataclass
class Plan:
    """The steps to run, and the record: transactions in the order they commit, the first what the connector reads."""

    seed: int
    steps: list[Step] = field(default_factory=list)
    committed: list[Transaction] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)

    def add(self, session: Session, run: Run) -> None:
        self.steps.append(run)
        if run.sql == "COMMIT":
            self.committed.append(session.changes)
        self.done[run.sql] += 1


def plan(seed: int, size: Size) -> Plan:
    """Give the plan of a seed, the same each time."""
    rng, made = Random(seed), Plan(seed)
    sessions = [Session(number, size.sessions) for number in range(size.sessions)]
    for session in sessions:
        first = [(hire, "rh_employees"), *rng.choices(USUAL, k=3)]
        _alone(made, session, _transaction(session, rng, first, commits=True))
    made.committed[:] = [as_read(made.committed)]
    made.steps.append(Start())
    _take_turns(made, sessions, rng, size)
    made.steps += [Look(len(made.committed)), Refresh(dict.fromkeys(KEYS, 1.0), len(made.committed))]
    return made


def _take_turns(made: Plan, sessions: Sequence[Session], rng: Random, size: Size) -> None:
    looks = sorted(rng.sample(range(size.changes), k=size.looks))
    refreshes = sorted(rng.sample(range(size.changes), k=size.refreshes))
    in_parts = rng.randrange(size.refreshes)
    to_do = rng.sample(EVERY, k=len(EVERY))
    while (changes := sum(map(len, made.committed))) < size.changes:
        session = rng.choice(sessions)
        if session.open is None and rng.random() < 0.05 and not any(one.touched("distance_cache") for one in sessions):
            _alone(made, session, _truncation(session, rng, sessions))
            continue
        if session.open is None:
            deeds = [to_do.pop() if to_do else rng.choice(USUAL) for _ in range(rng.choice((1, 1, 2, 4)))]
            session.open = _transaction(session, rng, deeds)
        _advance(made, session)
        if looks and changes >= looks[0]:
            looks.pop(0)
            made.steps.append(Look(len(made.committed)))
        if refreshes and changes >= refreshes[0]:
            shares = {table: rng.random() if len(refreshes) == in_parts + 1 else 1.0 for table in KEYS}
            refreshes.pop(0)
            made.steps.append(Refresh(shares, len(made.committed)))
    for session in sessions:
        while session.open:
            _advance(made, session)


def _advance(made: Plan, session: Session) -> None:
    assert session.open is not None
    run = next(session.open, None)
    if run is None:
        session.open = None
    else:
        made.add(session, run)


def _alone(made: Plan, session: Session, runs: Iterator[Run]) -> None:
    session.open = runs
    while session.open:
        _advance(made, session)


def _transaction(session: Session, rng: Random, deeds: Sequence[Deed], *, commits: bool = False) -> Iterator[Run]:
    yield session.begin()
    for act, table in deeds:
        saved = rng.random() < 0.2
        if saved:
            yield session.savepoint()
        yield from act(session, rng, table)
        if saved:
            back = not commits and rng.random() < 0.5
            yield session.roll_back_to_savepoint() if back else session.release()
    yield session.commit() if commits or rng.random() < 0.9 else session.roll_back()


def _truncation(session: Session, rng: Random, everyone: Sequence[Session]) -> Iterator[Run]:
    """Empty distance_cache between other changes. It locks the table, so that nobody else may have it open."""

    def truncate(one: Session, _: Random, table: str) -> Iterator[Run]:
        yield one.truncate(table, everyone)

    around = rng.choices(USUAL, k=2)
    return _transaction(session, rng, [around[0], (truncate, "distance_cache"), around[1]])
