"""What a session may do in a transaction: each act a few statements on a table, filled in by seeded chance."""

from collections.abc import Callable, Iterator
from random import Random

from workload.expected import reasons
from workload.record import KEYS
from workload.rows import FAULTS, changed, row
from workload.session import Run, Session

Act = Callable[[Session, Random, str], Iterator[Run]]
LARGEST = 1_000
# Tables that hang on no other.
ALONE = ("distance_cache", "reward_rules")


def size(rng: Random) -> int:
    """Give how many rows: mostly one or two, rarely hundreds."""
    return min(LARGEST, int(rng.paretovariate(0.9)))


def hire(session: Session, rng: Random, table: str) -> Iterator[Run]:
    """Let newcomers in, most with a sport, one with activities."""
    ids = sorted({session.new_key(table, rng) for _ in range(min(40, size(rng)))})
    yield session.insert(table, [row(rng, table, key) for key in ids])
    yield session.insert("sport_activities", [row(rng, "sport_activities", key) for key in ids[: len(ids) // 2 + 1]])
    yield from exercise(session, rng, "strava_activities")


def exercise(session: Session, rng: Random, table: str) -> Iterator[Run]:
    if employee := session.staff(rng):
        keys = sorted({session.new_key(table, rng) for _ in range(size(rng))})
        yield session.insert(table, [row(rng, table, key, employee) for key in keys])


def ask(session: Session, rng: Random, table: str) -> Iterator[Run]:
    keys = sorted({session.new_key(table, rng) for _ in range(min(200, size(rng)))})
    yield session.insert(table, [row(rng, table, key) for key in keys])


def change(session: Session, rng: Random, table: str) -> Iterator[Run]:
    """Change rows one by one, or many at once and alike."""
    many = size(rng)
    keys = session.some(table, rng, many)
    if many > 20 and keys and table != "distance_cache":  # which would not be unique any more
        yield session.update(table, keys, changed(rng, table, session.rows[table][keys[0]]))
    else:
        yield from (session.update(table, [key], changed(rng, table, session.rows[table][key])) for key in keys)


def change_nothing(session: Session, rng: Random, table: str) -> Iterator[Run]:
    if keys := session.some(table, rng, size(rng)):
        yield session.update(table, keys, {})


def insist(session: Session, rng: Random, table: str) -> Iterator[Run]:
    """Change one row dozens of times: its oldest, so that it is the same one in the next transaction."""
    for key in [*session.rows[table]][:1]:
        for _ in range(rng.randrange(12, 40)):
            yield session.update(table, [key], changed(rng, table, session.rows[table][key]))


def delete(session: Session, rng: Random, table: str) -> Iterator[Run]:
    """Delete rows, and of employees what hangs on them."""
    if keys := session.some(table, rng, min(size(rng), 2 if table == "rh_employees" else LARGEST)):
        yield session.delete(table, keys)


def come_and_go(session: Session, rng: Random, table: str) -> Iterator[Run]:
    """Insert a row and delete it again."""
    key = session.new_key(table, rng)
    yield session.insert(table, [row(rng, table, key, session.staff(rng))])
    yield session.delete(table, [key])


def go_and_come(session: Session, rng: Random, table: str) -> Iterator[Run]:
    """Delete a row and insert its key again."""
    for key in session.some(table, rng, 1):
        before = session.rows[table][key]
        yield session.delete(table, [key])
        yield session.insert(table, [row(rng, table, key, before.get("employee_id"))])


def change_key(session: Session, rng: Random, table: str) -> Iterator[Run]:
    """Change a row's key; mostly leave its long values alone, then and afterwards."""
    for key in session.some(table, rng, 1):
        new = session.new_key(table, rng)
        yield session.rekey(table, key, new)
        if rng.random() < 0.5:
            yield session.update(table, [new], changed(rng, table, session.rows[table][new]))


def change_key_of_employee(session: Session, rng: Random, table: str) -> Iterator[Run]:
    """Change a newcomer's key, on whom nothing hangs yet."""
    key = session.new_key(table, rng)
    yield session.insert(table, [row(rng, table, key)])
    yield session.rekey(table, key, session.new_key(table, rng))


def change_key_of_sport(session: Session, rng: Random, table: str) -> Iterator[Run]:
    """Give a sport to another employee."""
    free = [employee for employee in session.rows["rh_employees"] if employee not in session.rows[table]]
    yield from (session.rekey(table, key, new) for key in session.some(table, rng, 1) for new in free[:1])


def err(session: Session, rng: Random, table: str) -> Iterator[Run]:
    """Spoil rows, each in one of the ways that its contract refuses."""
    for key in session.some(table, rng, min(8, size(rng))):
        yield session.update(table, [key], rng.choice(FAULTS[table]))


def err_in_every_way(session: Session, rng: Random, table: str) -> Iterator[Run]:
    """Insert a row for each way to be refused."""
    employee = session.staff(rng)
    for fault in FAULTS[table]:
        yield session.insert(table, [{**row(rng, table, session.new_key(table, rng), employee), **fault}])


def mend(session: Session, rng: Random, table: str) -> Iterator[Run]:
    """Take refused rows up again: correct them, delete them, or spoil them otherwise."""
    for key in [key for key, held in session.rows[table].items() if reasons(table, held)][: size(rng) + 2]:
        match rng.randrange(4):
            case 0:
                yield session.delete(table, [key])
            case 1:
                yield session.update(table, [key], rng.choice(FAULTS[table]))
            case _:
                employee = session.rows[table][key].get("employee_id") or session.staff(rng)
                right = row(rng, table, key, employee)
                yield session.update(table, [key], {name: right[name] for name in right if name != KEYS[table]})


REFUSING = tuple(table for table in KEYS if FAULTS[table])
TABLES_OF: dict[Act, tuple[str, ...]] = {
    hire: ("rh_employees",),
    exercise: ("strava_activities",),
    ask: ALONE,
    change: (*KEYS,),
    change_nothing: (*KEYS,),
    insist: (*KEYS,),
    delete: (*KEYS,),
    come_and_go: ("strava_activities", *ALONE),
    go_and_come: ("strava_activities", *ALONE),
    change_key: ("strava_activities", *ALONE),
    change_key_of_employee: ("rh_employees",),
    change_key_of_sport: ("sport_activities",),
    err: REFUSING,
    err_in_every_way: REFUSING,
    mend: REFUSING,
}
Deed = tuple[Act, str]
EVERY: tuple[Deed, ...] = tuple((act, table) for act, tables in TABLES_OF.items() for table in tables)
# Where most happens.
USUAL: tuple[Deed, ...] = (
    *EVERY,
    *[(hire, "rh_employees"), (exercise, "strava_activities"), (change, "strava_activities")] * 3,
)
