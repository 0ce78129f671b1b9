"""A planned session of a workload: its rows, the SQL that changes them, and its open transaction's changes.

Each row belongs to one session, so that no session waits for a lock in whatever order they interleave.
"""

from collections.abc import Iterator, MutableMapping, Sequence
from dataclasses import dataclass
from itertools import count
from random import Random
from types import MappingProxyType
from typing import Any, cast

from workload.committed_transactions import CREATE, DELETE, KEYS, TRUNCATE, UPDATE, Change, Key, Row
from workload.row_generator import make_key

CHILD_TABLES = ("sport_activities", "strava_activities")


@dataclass(frozen=True)
class Statement:
    """An SQL statement with its values, and the number of the session that runs it."""

    session: int
    sql: str
    values: Sequence[Any] = ()


class Session:
    """A session's own rows, its uncommitted changes included; each method applies a statement and returns it."""

    def __init__(self, number: int, session_count: int) -> None:
        self.number = number
        self.rows: dict[str, dict[Key, Row]] = {table: {} for table in KEYS}
        self.deleted_keys: dict[str, list[Key]] = {table: [] for table in KEYS}
        self.open_transaction: Iterator[Statement] | None = None
        self.changes: list[Change] = []
        self._undo_log: list[tuple[MutableMapping[Key, Row], Key, Row | None]] = []
        self._savepoint = (0, 0)
        self._key_numbers = count(session_count + number, session_count)

    def new_key(self, table: str, rng: Random) -> Key:
        """Return an unused key of this session: a new one or, in 30 % of the cases, one of a deleted row."""
        reusable = [key for key in self.deleted_keys[table] if key not in self.rows[table]]
        return rng.choice(reusable) if reusable and rng.random() < 0.3 else make_key(table, next(self._key_numbers))

    def sample_keys(self, table: str, rng: Random, limit: int) -> list[Key]:
        """Return up to `limit` random keys of this session's rows."""
        existing = [*self.rows[table]]
        return rng.sample(existing, k=min(limit, len(existing)))

    def pick_employee(self, rng: Random) -> int | None:
        """Return a random employee of this session, None where it has none."""
        return cast("int | None", next(iter(self.sample_keys("rh_employees", rng, 1)), None))

    def cascaded_deletes(self, employee: Key) -> Iterator[Change]:
        """Yield the deletes of an employee's sports and activities."""
        for table in CHILD_TABLES:
            foreign_key = "id" if table == "sport_activities" else "employee_id"
            keys = [key for key, row in self.rows[table].items() if row[foreign_key] == employee]
            yield from (Change(table, DELETE, key) for key in keys)

    def insert(self, table: str, rows: Sequence[Row]) -> Statement:
        self._apply([Change(table, CREATE, row[KEYS[table]], row) for row in rows])
        columns = [*rows[0]]
        placeholders = f"({', '.join(['%s'] * len(columns))})"
        values = [row[name] for row in rows for name in columns]
        return self._statement(
            f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([placeholders] * len(rows))}", values
        )

    def update(self, table: str, keys: Sequence[Key], values: Row) -> Statement:
        """Set the same values in all these rows; without values the rows are rewritten unchanged."""
        self._apply([Change(table, UPDATE, key, {**self.rows[table][key], **values}) for key in keys])
        assignments = ", ".join(f"{name} = %s" for name in values) or f"{KEYS[table]} = {KEYS[table]}"
        return self._statement(
            f"UPDATE {table} SET {assignments} WHERE {KEYS[table]} = ANY(%s)", [*values.values(), [*keys]]
        )

    def update_key(self, table: str, key: Key, new: Key, values: Row = MappingProxyType({})) -> Statement:
        """Change a row's key, and these other values with it."""
        changed = {KEYS[table]: new, **values}
        row = {**self.rows[table][key], **changed}
        self._apply([Change(table, DELETE, key), Change(table, CREATE, new, row)])
        assignments = ", ".join(f"{name} = %s" for name in changed)
        return self._statement(f"UPDATE {table} SET {assignments} WHERE {KEYS[table]} = %s", [*changed.values(), key])

    def delete(self, table: str, keys: Sequence[Key]) -> Statement:
        """Delete rows; an employee's sports and activities are deleted with it."""
        if table == "rh_employees":
            self._apply([child for key in keys for child in self.cascaded_deletes(key)])
        self._apply([Change(table, DELETE, key) for key in keys])
        return self._statement(f"DELETE FROM {table} WHERE {KEYS[table]} = ANY(%s)", [[*keys]])

    def truncate(self, table: str, sessions: Sequence["Session"]) -> Statement:
        """Empty a table, the rows of all sessions included."""
        for session in sessions:
            session.deleted_keys[table].extend(session.rows[table])
            for key in [*session.rows[table]]:
                self._write_row(session.rows[table], key, None)
        self.changes.append(Change(table, TRUNCATE, None))
        return self._statement(f"TRUNCATE {table} CASCADE")  # ops.distance_retry references distance_cache

    def begin(self) -> Statement:
        self.changes, self._undo_log = [], []
        return self._statement("BEGIN")

    def commit(self) -> Statement:
        for change in self.changes:
            if change.key is not None and change.op == DELETE:
                self.deleted_keys[change.table].append(change.key)
        return self._statement("COMMIT")

    def roll_back(self) -> Statement:
        self._undo(0, 0)
        return self._statement("ROLLBACK")

    def savepoint(self) -> Statement:
        self._savepoint = (len(self.changes), len(self._undo_log))
        return self._statement("SAVEPOINT here")

    def release(self) -> Statement:
        return self._statement("RELEASE here")

    def roll_back_to_savepoint(self) -> Statement:
        self._undo(*self._savepoint)
        return self._statement("ROLLBACK TO here")

    def may_hold_lock(self, table: str) -> bool:
        """Return whether the open transaction may have a lock on a table; changes rolled back no longer count."""
        return self.open_transaction is not None and any(entry[0] is self.rows[table] for entry in self._undo_log)

    def _apply(self, changes: Sequence[Change]) -> None:
        for change in changes:
            assert change.key is not None
            self._write_row(self.rows[change.table], change.key, change.row)
        self.changes.extend(changes)

    def _write_row(self, rows: MutableMapping[Key, Row], key: Key, row: Row | None) -> None:
        self._undo_log.append((rows, key, rows.get(key)))
        if row is None:
            del rows[key]
        else:
            rows[key] = row

    def _undo(self, change_count: int, undo_position: int) -> None:
        for rows, key, row in reversed(self._undo_log[undo_position:]):
            if row is None:
                del rows[key]
            else:
                rows[key] = row
        del self.changes[change_count:], self._undo_log[undo_position:]

    def _statement(self, sql: str, values: Sequence[Any] = ()) -> Statement:
        return Statement(self.number, sql, values)
