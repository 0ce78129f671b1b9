"""One session of a workload as planned: its own rows, the SQL that changes them, and what its transaction did so far.

A row belongs to one session, so that no lock is ever waited for, whatever the order the sessions take turns in.
"""

from collections.abc import Iterator, MutableMapping, Sequence
from dataclasses import dataclass
from itertools import count
from random import Random
from typing import Any, cast

from workload.record import CREATE, DELETE, KEYS, TRUNCATE, UPDATE, Change, Key, Row
from workload.rows import key_of

CHILDREN = ("sport_activities", "strava_activities")


@dataclass(frozen=True)
class Run:
    """A statement that a session runs."""

    session: int
    sql: str
    values: Sequence[Any] = ()


class Session:
    """What one session sees, its own uncommitted changes included."""

    def __init__(self, number: int, of: int) -> None:
        self.number = number
        self.rows: dict[str, dict[Key, Row]] = {table: {} for table in KEYS}
        self.gone: dict[str, list[Key]] = {table: [] for table in KEYS}
        self.open: Iterator[Run] | None = None
        self.changes: list[Change] = []
        self._before: list[tuple[MutableMapping[Key, Row], Key, Row | None]] = []
        self._savepoint = (0, 0)
        self._numbers = count(of + number, of)

    def new_key(self, table: str, rng: Random) -> Key:
        """Give a key of its own that is free: a new one, or one that was used before."""
        used = [key for key in self.gone[table] if key not in self.rows[table]]
        return rng.choice(used) if used and rng.random() < 0.3 else key_of(table, next(self._numbers))

    def some(self, table: str, rng: Random, how_many: int) -> list[Key]:
        there = [*self.rows[table]]
        return rng.sample(there, k=min(how_many, len(there)))

    def staff(self, rng: Random) -> int | None:
        """Give one of its employees, if it has any."""
        return cast("int | None", next(iter(self.some("rh_employees", rng, 1)), None))

    def hanging_on(self, employee: Key) -> Iterator[Change]:
        for table in CHILDREN:
            owner = "id" if table == "sport_activities" else "employee_id"
            keys = [key for key, row in self.rows[table].items() if row[owner] == employee]
            yield from (Change(table, DELETE, key) for key in keys)

    def insert(self, table: str, rows: Sequence[Row]) -> Run:
        self._note([Change(table, CREATE, row[KEYS[table]], row) for row in rows])
        columns = [*rows[0]]
        line = f"({', '.join(['%s'] * len(columns))})"
        values = [row[name] for row in rows for name in columns]
        return self._run(f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([line] * len(rows))}", values)

    def update(self, table: str, keys: Sequence[Key], values: Row) -> Run:
        """Give all these rows the same values; without values nothing changes but is written all the same."""
        self._note([Change(table, UPDATE, key, {**self.rows[table][key], **values}) for key in keys])
        put = ", ".join(f"{name} = %s" for name in values) or f"{KEYS[table]} = {KEYS[table]}"
        return self._run(f"UPDATE {table} SET {put} WHERE {KEYS[table]} = ANY(%s)", [*values.values(), [*keys]])

    def rekey(self, table: str, key: Key, new: Key) -> Run:
        row = {**self.rows[table][key], KEYS[table]: new}
        self._note([Change(table, DELETE, key), Change(table, CREATE, new, row)])
        return self._run(f"UPDATE {table} SET {KEYS[table]} = %s WHERE {KEYS[table]} = %s", [new, key])

    def delete(self, table: str, keys: Sequence[Key]) -> Run:
        """Delete rows; with an employee goes what hangs on it."""
        if table == "rh_employees":
            self._note([child for key in keys for child in self.hanging_on(key)])
        self._note([Change(table, DELETE, key) for key in keys])
        return self._run(f"DELETE FROM {table} WHERE {KEYS[table]} = ANY(%s)", [[*keys]])

    def truncate(self, table: str, everyone: Sequence["Session"]) -> Run:
        for session in everyone:
            session.gone[table].extend(session.rows[table])
            for key in [*session.rows[table]]:
                self._set(session.rows[table], key, None)
        self.changes.append(Change(table, TRUNCATE, None))
        return self._run(f"TRUNCATE {table} CASCADE")  # ops.distance_retry hangs on it

    def begin(self) -> Run:
        self.changes, self._before = [], []
        return self._run("BEGIN")

    def commit(self) -> Run:
        for change in self.changes:
            if change.key is not None and change.op == DELETE:
                self.gone[change.table].append(change.key)
        return self._run("COMMIT")

    def roll_back(self) -> Run:
        self._undo(0, 0)
        return self._run("ROLLBACK")

    def savepoint(self) -> Run:
        self._savepoint = (len(self.changes), len(self._before))
        return self._run("SAVEPOINT here")

    def release(self) -> Run:
        return self._run("RELEASE here")

    def roll_back_to_savepoint(self) -> Run:
        self._undo(*self._savepoint)
        return self._run("ROLLBACK TO here")

    def touched(self, table: str) -> bool:
        """Say whether its open transaction may hold a lock on a table; a rolled-back one is not asked."""
        return self.open is not None and any(before[0] is self.rows[table] for before in self._before)

    def _note(self, changes: Sequence[Change]) -> None:
        for change in changes:
            assert change.key is not None
            self._set(self.rows[change.table], change.key, change.row)
        self.changes.extend(changes)

    def _set(self, rows: MutableMapping[Key, Row], key: Key, row: Row | None) -> None:
        self._before.append((rows, key, rows.get(key)))
        if row is None:
            del rows[key]
        else:
            rows[key] = row

    def _undo(self, changes: int, before: int) -> None:
        for rows, key, row in reversed(self._before[before:]):
            if row is None:
                del rows[key]
            else:
                rows[key] = row
        del self.changes[changes:], self._before[before:]

    def _run(self, sql: str, values: Sequence[Any] = ()) -> Run:
        return Run(self.number, sql, values)
