"""Random histories of a few keys: the change events that they send, and the lake state that they must end in.

A seed decides each history. The expected state is computed in plain Python, row by row, and not from the messages.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from random import Random

from lakehouse.cdc.merge.envelope import UNAVAILABLE_VALUE
from spark.messages import Change

KEYS_PER_CASE, EVENTS_PER_CASE = 3, 12
TOASTED_PREFIX = "kept out of line "
SIZE_NEGATIVE, PRICE_OUT_OF_RANGE, PRICE_OF_ANOTHER_TYPE, NOTE_UNKNOWN = (
    "pointure négative",
    "valeur hors limites : price",
    "valeur d'un autre type : price",
    "valeur non transmise : note",
)
PRICE_TEXT = "cher"
UNDECODABLE_REASON = "message illisible"
Version = tuple[str, int, int | None, str | None, tuple[str, ...]]


@dataclass
class Row:
    """A row of Postgres; `note_known` is false until a change event has carried the note."""

    size: int
    note: str
    price: str = "1.00"
    note_known: bool = True


@dataclass
class History:
    """One case: its change events, and the state that Postgres and the lake must end in."""

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
        """Send the row as a change event; `note` replaces its note there, as a TOASTed value's placeholder does."""
        self.messages.append(Change(op, key, row.size, note or row.note, row.price))
        # The rules say nothing of a row with a value of another type.
        reasons = [SIZE_NEGATIVE] if row.size < 0 and row.price != PRICE_TEXT else []
        reasons += [PRICE_OF_ANOTHER_TYPE] if row.price == PRICE_TEXT else []
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
            (entry_key, reasons, resolution if entry_key == key and not previous else previous)
            for entry_key, reasons, previous in self.quarantined
        ]


def play_history(case: int, seed: int) -> History:
    """Return the history that the seed decides."""
    history = History(case)
    lsn, commit, rng = 0, 0, Random(seed)
    for step in range(EVENTS_PER_CASE):
        before = len(history.messages)
        rng.choice(_ACTIONS)(history, history.key(rng.randrange(KEYS_PER_CASE)), step)
        commit += rng.random() < 0.7  # otherwise it belongs to the previous transaction
        wal_record = lsn
        for place in range(before, len(history.messages)):
            change = history.messages[place]
            if change.lsn is None:
                # A key change is one WAL record and two messages.
                wal_record += not (change.op == "c" and place > before and history.messages[place - 1].op == "d")
                history.messages[place] = replace(change, lsn=case * 1000 + wal_record, last_commit_lsn=commit)
        lsn = wal_record
    return history


def _insert_or_update(history: History, key: int, step: int) -> None:
    row = history.rows.get(key)
    if row is None:
        history.rows[key] = Row(step, TOASTED_PREFIX + str(step))
        history.upsert("c", key, history.rows[key])
    else:
        row.size, row.note, row.price, row.note_known = step, TOASTED_PREFIX + str(step), "1.00", True
        history.upsert("u", key, row)


def _update_without_note(history: History, key: int, step: int) -> None:
    row = (
        history.rows.setdefault(key, Row(step, TOASTED_PREFIX + "from before", note_known=False))
        if not history.messages
        else None
    )
    if row := row or history.rows.get(key):
        row.size, row.price = step, "1.00"
        history.upsert("u", key, row, note=UNAVAILABLE_VALUE)


def _update_to_invalid_size(history: History, key: int, step: int) -> None:
    if row := history.rows.get(key):
        row.size = -1 - step
        history.upsert("u", key, row, note=UNAVAILABLE_VALUE)


def _update_to_invalid_price(history: History, key: int, step: int) -> None:
    _insert_or_update(history, key, step)
    history.rows[key].price = "NAN"
    history.upsert("u", key, history.rows[key])


def _update_to_price_of_another_type(history: History, key: int, step: int) -> None:
    _insert_or_update(history, key, step)
    history.rows[key].price = PRICE_TEXT
    history.upsert("u", key, history.rows[key])


def _delete(history: History, key: int, _: int) -> None:
    if key in history.rows:
        history.delete(key)


def _change_key(history: History, key: int, step: int) -> None:
    new_key = history.key(key + 1 + step % 2)
    if key in history.rows and new_key not in history.rows:
        row = history.rows[new_key] = history.delete(key)
        history.upsert("c", new_key, row, note=UNAVAILABLE_VALUE)


def _redeliver(history: History, _: int, step: int) -> None:
    redelivered = [change for change in history.messages[-step:] if change.op in {"c", "u", "d"}]
    history.messages += redelivered
    history.duplicate_count += len(redelivered)


def _resnapshot(history: History, key: int, _: int) -> None:
    if row := history.rows.get(key):
        history.upsert("r", key, row)
        history.messages[-1] = replace(history.messages[-1], tx=None)


def _send_undecodable(history: History, key: int, _: int) -> None:
    history.messages.append(Change("x", key))
    history.versions.append(("", key, 40, "n", (UNDECODABLE_REASON,)))
    history.quarantined.append((key, (UNDECODABLE_REASON,), None))


_ACTIONS = (
    _insert_or_update,
    _insert_or_update,
    _update_without_note,
    _update_without_note,
    _update_to_invalid_size,
    _update_to_invalid_price,
    _update_to_price_of_another_type,
    _delete,
    _change_key,
    _redeliver,
    _resnapshot,
    _send_undecodable,
)


def interleave(histories: Sequence[History], rng: Random) -> Iterator[Change]:
    """Return the messages of all histories, shuffled; each history keeps its own order."""
    case_indexes = [case for case, history in enumerate(histories) for _ in history.messages]
    rng.shuffle(case_indexes)
    remaining = [iter(history.messages) for history in histories]
    return (next(remaining[place]) for place in case_indexes)
