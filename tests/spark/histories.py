"""Histories of a few keys as Postgres would make them, the messages they come as, and what the lake must make of them.

A history is a number: chance that begins with it says what happens next. What the lake must hold is worked out here
in plain Python, row by row, beside the messages and not from them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from random import Random

from lakehouse.cdc.envelope import UNAVAILABLE
from spark.messages import Change

KEYS, EVENTS = 3, 12
LONG = "kept out of line "
NEGATIVE, BEYOND, UNKNOWN = "pointure négative", "valeur hors limites : price", "valeur non transmise : note"
ILLEGIBLE = "message illisible"
Version = tuple[str, int, int | None, str | None, tuple[str, ...]]


@dataclass
class Row:
    """What Postgres holds under a key; `told` is false while the lake was never told the note."""

    size: int
    note: str
    price: str = "1.00"
    told: bool = True


@dataclass
class History:
    """The keys of one case: what was sent of them, and what the lake must hold then."""

    case: int
    sent: list[Change] = field(default_factory=list)
    rows: dict[int, Row] = field(default_factory=dict)
    silver: dict[int, tuple[int, str]] = field(default_factory=dict)
    versions: list[Version] = field(default_factory=list)
    refused: list[tuple[int, tuple[str, ...], str | None]] = field(default_factory=list)
    silent: int = 0

    def key(self, digit: int) -> int:
        return self.case * KEYS + digit % KEYS

    def put(self, op: str, key: int, row: Row, *, note: str | None = None) -> None:
        """Send the row under its key; `note` is what is sent of it where that is not all."""
        self.sent.append(Change(op, key, row.size, note or row.note, row.price))
        reasons = [NEGATIVE] if row.size < 0 else []
        reasons += [BEYOND] if row.price == "NAN" else []
        row.told = row.told or note is None
        reasons += [] if row.told else [UNKNOWN]
        self.versions.append((op, key, row.size, row.note if row.told else None, tuple(reasons)))
        if reasons:
            self.refused.append((key, tuple(reasons), None))
        else:
            self.silver[key] = (row.size, row.note)
            self._settle(key, "corrigé")

    def drop(self, key: int) -> Row:
        self.sent.append(Change("d", key))
        self.versions.append(("d", key, None, None, ()))
        self.silver.pop(key, None)
        self._settle(key, "supprimé")
        return self.rows.pop(key)

    def _settle(self, key: int, by: str) -> None:
        self.refused = [
            (one, reasons, by if one == key and not closed else closed) for one, reasons, closed in self.refused
        ]


def history(case: int, number: int) -> History:
    """Play the history that the number stands for."""
    played = History(case)
    lsn, commit, chance = 0, 0, Random(number)
    for step in range(EVENTS):
        before = len(played.sent)
        chance.choice(_EVENTS)(played, played.key(chance.randrange(KEYS)), step)
        commit += chance.random() < 0.7  # else it belongs to the transaction before
        record = lsn
        for place in range(before, len(played.sent)):
            change = played.sent[place]
            if change.lsn is None:
                # A changed key is one record of the log and two messages.
                record += not (change.op == "c" and place > before and played.sent[place - 1].op == "d")
                played.sent[place] = replace(change, lsn=case * 1000 + record, commit_seq=commit)
        lsn = record
    return played


def _write(played: History, key: int, step: int) -> None:
    row = played.rows.get(key)
    if row is None:
        played.rows[key] = Row(step, LONG + str(step))
        played.put("c", key, played.rows[key])
    else:
        row.size, row.note, row.price, row.told = step, LONG + str(step), "1.00", True
        played.put("u", key, row)


def _leave_out(played: History, key: int, step: int) -> None:
    row = played.rows.setdefault(key, Row(step, LONG + "from before", told=False)) if not played.sent else None
    if row := row or played.rows.get(key):
        row.size, row.price = step, "1.00"
        played.put("u", key, row, note=UNAVAILABLE)


def _refuse(played: History, key: int, step: int) -> None:
    if row := played.rows.get(key):
        row.size = -1 - step
        played.put("u", key, row, note=UNAVAILABLE)


def _refuse_price(played: History, key: int, step: int) -> None:
    _write(played, key, step)
    played.rows[key].price = "NAN"
    played.put("u", key, played.rows[key])


def _delete(played: History, key: int, _: int) -> None:
    if key in played.rows:
        played.drop(key)


def _move(played: History, key: int, step: int) -> None:
    to = played.key(key + 1 + step % 2)
    if key in played.rows and to not in played.rows:
        row = played.rows[to] = played.drop(key)
        played.put("c", to, row, note=UNAVAILABLE)


def _send_again(played: History, _: int, step: int) -> None:
    again = [change for change in played.sent[-step:] if change.op in {"c", "u", "d"}]
    played.sent += again
    played.silent += len(again)


def _read_again(played: History, key: int, _: int) -> None:
    if row := played.rows.get(key):
        played.put("r", key, row)
        played.sent[-1] = replace(played.sent[-1], tx=None)


def _spoil(played: History, key: int, _: int) -> None:
    played.sent.append(Change("x", key))
    played.versions.append(("", key, 40, "n", (ILLEGIBLE,)))
    played.refused.append((key, (ILLEGIBLE,), None))


_EVENTS = (
    _write,
    _write,
    _leave_out,
    _leave_out,
    _refuse,
    _refuse_price,
    _delete,
    _move,
    _send_again,
    _read_again,
    _spoil,
)


def woven(histories: Sequence[History], rng: Random) -> Iterator[Change]:
    """Give what was sent of all, each history in its order and all in none."""
    places = [number for number, one in enumerate(histories) for _ in one.sent]
    rng.shuffle(places)
    left = [iter(one.sent) for one in histories]
    return (next(left[place]) for place in places)
