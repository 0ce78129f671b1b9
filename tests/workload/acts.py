"""What a session may do in a transaction: each act a few statements, chosen by seeded chance."""

from collections.abc import Callable, Iterator
from random import Random

from workload.expected import reasons
from workload.record import KEYS
from workload.rows import FAULTS, changed, row
from workload.session import Run, Session

Act = Callable[[Session, Random], Iterator[Run]]
LARGEST = 1_000
ALONE = ("distance_cache", "reward_rules")
TABLES = (*KEYS, "strava_activities", "strava_activities", "distance_cache")  # where most happens


def size(rng: Random) -> int:
    """Give how many rows: mostly one or two, rarely hundreds."""
    return min(LARGEST, int(rng.paretovariate(0.9)))


def hire(session: Session, rng: Random) -> Iterator[Run]:
    """Let newcomers in, with a sport and activities."""
    ids = sorted({session.new_key("rh_employees", rng) for _ in range(min(40, size(rng)))})
    yield session.insert("rh_employees", [row(rng, "rh_employees", key) for key in ids])
    yield session.insert("sport_activities", [row(rng, "sport_activities", key) for key in ids])
    yield from exercise(session, rng)


def exercise(session: Session, rng: Random) -> Iterator[Run]:
    if employee := session.staff(rng):
        keys = sorted({session.new_key("strava_activities", rng) for _ in range(size(rng))})
        yield session.insert("strava_activities", [row(rng, "strava_activities", key, employee) for key in keys])


def ask(session: Session, rng: Random) -> Iterator[Run]:
    """Add rows to a table that hangs on no other."""
    table = rng.choice(ALONE)
    keys = sorted({session.new_key(table, rng) for _ in range(min(200, size(rng)))})
    yield session.insert(table, [row(rng, table, key) for key in keys])


def change(session: Session, rng: Random) -> Iterator[Run]:
    """Change many rows, at once or one by one."""
    table, many = rng.choice(TABLES), size(rng)
    keys = session.some(table, rng, many)
    if many > 20 and keys and table != "distance_cache":
        yield session.update(table, keys, changed(rng, table, session.rows[table][keys[0]]))
    else:
        yield from (session.update(table, [key], changed(rng, table, session.rows[table][key])) for key in keys)


def change_nothing(session: Session, rng: Random) -> Iterator[Run]:
    table = rng.choice(TABLES)
    if keys := session.some(table, rng, size(rng)):
        yield session.update(table, keys, {})


def insist(session: Session, rng: Random) -> Iterator[Run]:
    """Change one row dozens of times; its oldest row, so that it is the same one in the next transaction."""
    table = rng.choice(TABLES)
    for key in [*session.rows[table]][:1]:
        for _ in range(rng.randrange(12, 40)):
            yield session.update(table, [key], changed(rng, table, session.rows[table][key]))


def leave(session: Session, rng: Random) -> Iterator[Run]:
    """Let employees go, with what hangs on them."""
    if keys := session.some("rh_employees", rng, min(3, size(rng))):
        yield session.delete("rh_employees", keys)


def delete(session: Session, rng: Random) -> Iterator[Run]:
    table = rng.choice(("sport_activities", "strava_activities", *ALONE))
    if keys := session.some(table, rng, size(rng)):
        yield session.delete(table, keys)


def come_and_go(session: Session, rng: Random) -> Iterator[Run]:
    """Insert a row and delete it again."""
    table = rng.choice(ALONE)
    key = session.new_key(table, rng)
    yield session.insert(table, [row(rng, table, key)])
    yield session.delete(table, [key])


def go_and_come(session: Session, rng: Random) -> Iterator[Run]:
    """Delete a row and insert its key again."""
    table = rng.choice(("strava_activities", *ALONE))
    for key in session.some(table, rng, 1):
        before = session.rows[table][key]
        yield session.delete(table, [key])
        yield session.insert(table, [row(rng, table, key, before.get("employee_id"))])


def change_key(session: Session, rng: Random) -> Iterator[Run]:
    table = rng.choice(TABLES)
    for key in session.some(table, rng, 1):
        if table == "sport_activities":
            staff = session.rows["rh_employees"]
            free = [one for one in staff if one not in session.rows[table]]
            yield from (session.rekey(table, key, one) for one in free[:1])
        elif table != "rh_employees" or not [*session.hanging_on(key)]:
            yield session.rekey(table, key, session.new_key(table, rng))


def change_key_of_payload(session: Session, rng: Random) -> Iterator[Run]:
    """Change a key, leave the long value alone, and go on leaving it alone."""
    for key in session.some("strava_activities", rng, 1):
        new = session.new_key("strava_activities", rng)
        yield session.rekey("strava_activities", key, new)
        yield session.update("strava_activities", [new], {"flagged": rng.random() < 0.5})


def err(session: Session, rng: Random) -> Iterator[Run]:
    """Spoil rows, each in one of the ways that its contract refuses."""
    table = rng.choice([table for table in KEYS if FAULTS[table]])
    for key in session.some(table, rng, min(8, size(rng))):
        yield session.update(table, [key], rng.choice(FAULTS[table]))


def err_in_every_way(session: Session, rng: Random) -> Iterator[Run]:
    """Insert a row for each way to be refused."""
    yield from hire(session, rng)
    employee = session.staff(rng)
    for table, faults in FAULTS.items():
        keys = [session.new_key(table, rng) for _ in faults]
        for key, fault in zip(keys, faults, strict=True):
            if key not in session.rows[table]:
                yield session.insert(table, [{**row(rng, table, key, employee), **fault}])


def mend(session: Session, rng: Random) -> Iterator[Run]:
    """Take refused rows up again: correct them, delete them, or spoil them otherwise."""
    table = rng.choice([table for table in KEYS if FAULTS[table]])
    for key in [key for key, held in session.rows[table].items() if reasons(table, held)][: size(rng) + 2]:
        held = session.rows[table][key]
        match rng.randrange(4):
            case 0:
                yield session.delete(table, [key])
            case 1:
                yield session.update(table, [key], rng.choice(FAULTS[table]))
            case _:
                right = row(rng, table, key, held.get("employee_id") or session.staff(rng))
                yield session.update(table, [key], {name: right[name] for name in right if name != KEYS[table]})


ACTS: tuple[Act, ...] = (
    *(hire, exercise, exercise, ask, change, change, change, change_nothing, insist, leave, delete, come_and_go),
    *(go_and_come, change_key, change_key_of_payload, err, mend, mend),
)
