"""The operations of a session within a transaction: each a few statements on one table, drawn at random."""

from collections.abc import Callable, Iterator
from random import Random

from workload.committed_transactions import KEYS
from workload.model import refusal_reasons
from workload.row_generator import INVALID_VALUES, make_row, make_update, values_of_key
from workload.session_model import Session, Statement

Operation = Callable[[Session, Random, str], Iterator[Statement]]
MAX_ROWS = 1_000
# Tables that reference no other table.
TABLES_WITHOUT_FOREIGN_KEY = ("distance_cache", "reward_rules")


def draw_row_count(rng: Random) -> int:
    """Return a row count from a Pareto distribution: mostly one or two, rarely hundreds, at most 1,000."""
    return min(MAX_ROWS, int(rng.paretovariate(0.9)))


def hire(session: Session, rng: Random, table: str) -> Iterator[Statement]:
    """Insert new employees, half of them with a sport, and activities of one employee."""
    ids = sorted({session.new_key(table, rng) for _ in range(min(40, draw_row_count(rng)))})
    yield session.insert(table, [make_row(rng, table, key) for key in ids])
    yield session.insert(
        "sport_activities", [make_row(rng, "sport_activities", key) for key in ids[: len(ids) // 2 + 1]]
    )
    yield from add_activities(session, rng, "strava_activities")


def add_activities(session: Session, rng: Random, table: str) -> Iterator[Statement]:
    if employee := session.pick_employee(rng):
        keys = sorted({session.new_key(table, rng) for _ in range(draw_row_count(rng))})
        yield session.insert(table, [make_row(rng, table, key, employee) for key in keys])


def add_rule_or_distance(session: Session, rng: Random, table: str) -> Iterator[Statement]:
    keys = sorted({session.new_key(table, rng) for _ in range(min(200, draw_row_count(rng)))})
    yield session.insert(table, [make_row(rng, table, key) for key in keys])


def update_rows(session: Session, rng: Random, table: str) -> Iterator[Statement]:
    """Update rows one by one, or many at once to the same values."""
    count = draw_row_count(rng)
    keys = session.sample_keys(table, rng, count)
    if count > 20 and keys and table != "distance_cache":  # whose rows would no longer be unique
        values = make_update(rng, table, session.rows[table][keys[0]])
        yield session.update(table, keys, {name: values[name] for name in values if name != "start_date_utc"})
    else:
        yield from (session.update(table, [key], make_update(rng, table, session.rows[table][key])) for key in keys)


def update_without_change(session: Session, rng: Random, table: str) -> Iterator[Statement]:
    if keys := session.sample_keys(table, rng, draw_row_count(rng)):
        yield session.update(table, keys, {})


def update_hot_row(session: Session, rng: Random, table: str) -> Iterator[Statement]:
    """Update one row dozens of times: the session's oldest, which is the same in its next transaction."""
    for key in [*session.rows[table]][:1]:
        for _ in range(rng.randrange(12, 40)):
            yield session.update(table, [key], make_update(rng, table, session.rows[table][key]))


def delete_rows(session: Session, rng: Random, table: str) -> Iterator[Statement]:
    """Delete rows; employees with their sports and activities."""
    if keys := session.sample_keys(table, rng, min(draw_row_count(rng), 2 if table == "rh_employees" else MAX_ROWS)):
        yield session.delete(table, keys)


def insert_then_delete(session: Session, rng: Random, table: str) -> Iterator[Statement]:
    """Insert a row and delete it again."""
    key = session.new_key(table, rng)
    yield session.insert(table, [make_row(rng, table, key, session.pick_employee(rng))])
    yield session.delete(table, [key])


def delete_then_insert(session: Session, rng: Random, table: str) -> Iterator[Statement]:
    """Delete a row and insert its key again."""
    for key in session.sample_keys(table, rng, 1):
        before = session.rows[table][key]
        yield session.delete(table, [key])
        yield session.insert(table, [make_row(rng, table, key, before.get("employee_id"))])


def change_key(session: Session, rng: Random, table: str) -> Iterator[Statement]:
    """Change a row's key, which leaves its TOASTed values unsent, and update the row in half of the cases."""
    for key in session.sample_keys(table, rng, 1):
        new = session.new_key(table, rng)
        yield session.update_key(table, key, new, values_of_key(rng, table, new))
        if rng.random() < 0.5:
            yield session.update(table, [new], make_update(rng, table, session.rows[table][new]))


def change_key_of_employee(session: Session, rng: Random, table: str) -> Iterator[Statement]:
    """Insert an employee and change its key, before any row references it."""
    key = session.new_key(table, rng)
    yield session.insert(table, [make_row(rng, table, key)])
    yield session.update_key(table, key, session.new_key(table, rng))


def change_key_of_sport(session: Session, rng: Random, table: str) -> Iterator[Statement]:
    """Move a sport to an employee without one, by a key change."""
    free = [employee for employee in session.rows["rh_employees"] if employee not in session.rows[table]]
    yield from (session.update_key(table, key, new) for key in session.sample_keys(table, rng, 1) for new in free[:1])


def invalidate(session: Session, rng: Random, table: str) -> Iterator[Statement]:
    """Make rows invalid, each by one violation of its contract."""
    for key in session.sample_keys(table, rng, min(8, draw_row_count(rng))):
        yield session.update(table, [key], rng.choice(INVALID_VALUES[table]))


def insert_every_invalid_row(session: Session, rng: Random, table: str) -> Iterator[Statement]:
    """Insert an invalid row for each violation of the contract."""
    employee = session.pick_employee(rng)
    for invalid_values in INVALID_VALUES[table]:
        yield session.insert(table, [{**make_row(rng, table, session.new_key(table, rng), employee), **invalid_values}])


def repair(session: Session, rng: Random, table: str) -> Iterator[Statement]:
    """Correct refused rows, delete them, or make them invalid in another way."""
    refused_keys = [key for key, row in session.rows[table].items() if refusal_reasons(table, row)]
    for key in refused_keys[: draw_row_count(rng) + 2]:
        match rng.randrange(4):
            case 0:
                yield session.delete(table, [key])
            case 1:
                yield session.update(table, [key], rng.choice(INVALID_VALUES[table]))
            case _:
                employee = session.rows[table][key].get("employee_id") or session.pick_employee(rng)
                valid_row = make_row(rng, table, key, employee)
                yield session.update(table, [key], {name: valid_row[name] for name in valid_row if name != KEYS[table]})


TABLES_WITH_RULES = tuple(table for table in KEYS if INVALID_VALUES[table])
TABLES_OF_OPERATION: dict[Operation, tuple[str, ...]] = {
    hire: ("rh_employees",),
    add_activities: ("strava_activities",),
    add_rule_or_distance: TABLES_WITHOUT_FOREIGN_KEY,
    update_rows: (*KEYS,),
    update_without_change: (*KEYS,),
    update_hot_row: (*KEYS,),
    delete_rows: (*KEYS,),
    insert_then_delete: ("strava_activities", *TABLES_WITHOUT_FOREIGN_KEY),
    delete_then_insert: ("strava_activities", *TABLES_WITHOUT_FOREIGN_KEY),
    change_key: ("strava_activities", *TABLES_WITHOUT_FOREIGN_KEY),
    change_key_of_employee: ("rh_employees",),
    change_key_of_sport: ("sport_activities",),
    invalidate: TABLES_WITH_RULES,
    insert_every_invalid_row: TABLES_WITH_RULES,
    repair: TABLES_WITH_RULES,
}
TableOperation = tuple[Operation, str]
ALL_OPERATIONS: tuple[TableOperation, ...] = tuple(
    (operation, table) for operation, tables in TABLES_OF_OPERATION.items() for table in tables
)
# Inserts of employees, and inserts and updates of activities, are drawn more often than the others.
WEIGHTED_OPERATIONS: tuple[TableOperation, ...] = (
    *ALL_OPERATIONS,
    *[(hire, "rh_employees"), (add_activities, "strava_activities"), (update_rows, "strava_activities")] * 3,
)
