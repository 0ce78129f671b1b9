"""Histories of a few keys as Postgres would make them, the messages they come as, and what the lake must make of them.

A history is a number: chance that begins with it says what happens next. What the lake must hold is worked out here
in plain Python, row by row, beside the messages and not from them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from random import Random

from lakehouse.cdc.merge.envelope import UNAVAILABLE_VALUE
from spark.messages import Change

KEYS_PER_CASE, EVENTS_PER_CASE = 3, 12
TOASTED_PREFIX = "kept out of line "
SIZE_NEGATIVE, PRICE_OUT_OF_RANGE, NOTE_UNKNOWN = (
    "pointure négative",
    "valeur hors limites : price",
    "valeur non transmise : note",
)
UNDECODABLE = "message illisible"
Version = tuple[str, int, int | None, str | None, tuple[str, ...]]


@dataclass
class Row:
    """What Postgres holds under a key; `told` is false while the lake was never told the note."""

    size: int
    note: str
    price: str = "1.00"
    note_known: bool = True


@dataclass
class History:
    """The keys of one case: what was sent of them, and what the lake must hold then."""

    case: int
    messages: list[Change] = field(default_factory=list)
    rows: dict[int, Row] = field(default_factory=dict)
    silver: dict[int, tuple[int, str]] = field(default_factory=dict)
    versions: list[Version] = field(default_factory=list)
    quarantined: list[tuple[int, tuple[str, ...], str | None]] = field(default_factory=list)
    duplicate_count: int = 0

    def key(self, digit: int) -> int:
        return self.case * KEYS_PER_CASE + digit % KEYS_PER_CASE

    def upsert(self, op: str, key: int, row: Row, *, note: str | None = None) -> None:
        """Send the row under its key; `note` is what is sent of it where that is not all."""
        self.messages.append(Change(op, key, row.size, note or row.note, row.price))
        reasons = [SIZE_NEGATIVE] if row.size < 0 else []
        reasons += [PRICE_OUT_OF_RANGE] if row.price == "NAN" else []
        row.note_known = row.note_known or note is None
        reasons += [] if row.note_known else [NOTE_UNKNOWN]
        self.versions.append((op, key, row.size, row.note if row.note_known else None, tuple(reasons)))
        if reasons:
            self.quarantined.append((key, tuple(reasons), None))
        else:
            self.silver[key] = (row.size, row.note)
            self._resolve(key, "corrigé")

    def delete(self, key: int) -> Row:
        self.messages.append(Change("d", key))
        self.versions.append(("d", key, None, None, ()))
        self.silver.pop(key, None)
        self._resolve(key, "supprimé")
        return self.rows.pop(key)

    def _resolve(self, key: int, resolution: str) -> None:
        self.quarantined = [
            (one, reasons, resolution if one == key and not previous else previous)
            for one, reasons, previous in self.quarantined
        ]


def play_history(case: int, number: int) -> History:
    """Play the history that the number stands for."""
    played = History(case)
    lsn, commit, rng = 0, 0, Random(number)
    for step in range(EVENTS_PER_CASE):
        before = len(played.messages)
        rng.choice(_ACTIONS)(played, played.key(rng.randrange(KEYS_PER_CASE)), step)
        commit += rng.random() < 0.7  # else it belongs to the transaction before
        wal_record = lsn
        for place in range(before, len(played.messages)):
            change = played.messages[place]
            if change.lsn is None:
                # A changed key is one record of the log and two messages.
                wal_record += not (change.op == "c" and place > before and played.messages[place - 1].op == "d")
                played.messages[place] = replace(change, lsn=case * 1000 + wal_record, commit_seq=commit)
        lsn = wal_record
    return played


def _insert_or_update(played: History, key: int, step: int) -> None:
    row = played.rows.get(key)
    if row is None:
        played.rows[key] = Row(step, TOASTED_PREFIX + str(step))
        played.upsert("c", key, played.rows[key])
    else:
        row.size, row.note, row.price, row.note_known = step, TOASTED_PREFIX + str(step), "1.00", True
        played.upsert("u", key, row)


def _update_without_note(played: History, key: int, step: int) -> None:
    row = (
        played.rows.setdefault(key, Row(step, TOASTED_PREFIX + "from before", note_known=False))
        if not played.messages
        else None
    )
    if row := row or played.rows.get(key):
        row.size, row.price = step, "1.00"
        played.upsert("u", key, row, note=UNAVAILABLE_VALUE)


def _update_to_invalid_size(played: History, key: int, step: int) -> None:
    if row := played.rows.get(key):
        row.size = -1 - step
        played.upsert("u", key, row, note=UNAVAILABLE_VALUE)


def _update_to_invalid_price(played: History, key: int, step: int) -> None:
    _insert_or_update(played, key, step)
    played.rows[key].price = "NAN"
    played.upsert("u", key, played.rows[key])


def _delete(played: History, key: int, _: int) -> None:
    if key in played.rows:
        played.delete(key)


def _change_key(played: History, key: int, step: int) -> None:
    new_key = played.key(key + 1 + step % 2)
    if key in played.rows and new_key not in played.rows:
        row = played.rows[new_key] = played.delete(key)
        played.upsert("c", new_key, row, note=UNAVAILABLE_VALUE)


def _redeliver(played: History, _: int, step: int) -> None:
    redelivered = [change for change in played.messages[-step:] if change.op in {"c", "u", "d"}]
    played.messages += redelivered
    played.duplicate_count += len(redelivered)


def _resnapshot(played: History, key: int, _: int) -> None:
    if row := played.rows.get(key):
        played.upsert("r", key, row)
        played.messages[-1] = replace(played.messages[-1], tx=None)


def _send_undecodable(played: History, key: int, _: int) -> None:
    played.messages.append(Change("x", key))
    played.versions.append(("", key, 40, "n", (UNDECODABLE,)))
    played.quarantined.append((key, (UNDECODABLE,), None))


_ACTIONS = (
    _insert_or_update,
    _insert_or_update,
    _update_without_note,
    _update_without_note,
    _update_to_invalid_size,
    _update_to_invalid_price,
    _delete,
    _change_key,
    _redeliver,
    _resnapshot,
    _send_undecodable,
)


def interleave(histories: Sequence[History], rng: Random) -> Iterator[Change]:
    """Give what was sent of all, each history in its order and all in none."""
    case_indexes = [number for number, one in enumerate(histories) for _ in one.messages]
    rng.shuffle(case_indexes)
    remaining = [iter(one.messages) for one in histories]
    return (next(remaining[place]) for place in case_indexes)
