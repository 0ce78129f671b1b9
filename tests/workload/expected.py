"""What the lake must hold after a workload, from the record alone; the contracts' rules are written here again."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

from workload.record import DELETE, KEYS, Change, Key, Row, Transaction
from workload.rows import FUTURE

CORRECTED, DELETED = "corrigé", "supprimé"


class Place(NamedTuple):
    """A change among those of its key, counted from 0; TRUNCATEs are counted among themselves, without a key."""

    key: Key | None
    number: int


@dataclass
class Refusal:
    """A refused change, why, and what closed it."""

    op: str
    reasons: list[str]
    closed_by: str | None = None
    closed_at: Place | None = None


@dataclass
class Table:
    """One table: its changes by place, Silver's rows, the refused changes by place."""

    changes: dict[Place, Change] = field(default_factory=dict)
    accepted: dict[Key, Row] = field(default_factory=dict)
    refused: dict[Place, Refusal] = field(default_factory=dict)
    _number: dict[Key | None, int] = field(default_factory=dict)
    _open: dict[Key, list[Refusal]] = field(default_factory=dict)

    def follow(self, change: Change) -> None:
        place = Place(change.key, self._number.get(change.key, 0))
        self._number[change.key] = place.number + 1
        self.changes[place] = change
        if change.key is None:
            for key in [*self._open]:
                self._close(key, DELETED, place)
            self.accepted.clear()
        elif change.row is None:
            self._close(change.key, DELETED, place)
            self.accepted.pop(change.key, None)
        elif why := reasons(change.table, change.row):
            self.refused[place] = Refusal(change.op, why)
            self._open.setdefault(change.key, []).append(self.refused[place])
        else:
            self._close(change.key, CORRECTED, place)
            self.accepted[change.key] = change.row

    def _close(self, key: Key, by: str, place: Place) -> None:
        for refusal in self._open.pop(key, []):
            refusal.closed_by, refusal.closed_at = by, place


def expected(transactions: Iterable[Transaction]) -> Mapping[str, Table]:
    """Give what each table of the lake must be after these transactions."""
    tables = {table: Table() for table in KEYS}
    for transaction in transactions:
        for change in transaction:
            tables[change.table].follow(change)
    return tables


def reasons(table: str, row: Row) -> list[str]:
    """Give why a row is refused, in the contract's order; empty where it is accepted."""
    return [says for says, wrong in REFUSED_FOR[table] if wrong(row)]


def version(change: Change, columns: Iterable[str]) -> Row:
    """Give a change's row as the versions hold it: a delete has its key, nothing else."""
    if change.op == DELETE:
        return {name: change.key if name == KEYS[change.table] else None for name in columns}
    return change.row or dict.fromkeys(columns)


def _more(one: Any, other: Any) -> bool:
    return one is not None and other is not None and bool(one > other)


def _athlete(row: Row) -> str | None:
    """Give the athlete's id in the payload, as text."""
    found = json.loads(row["raw_payload"] or "null")
    for name in ("athlete", "id"):
        found = found.get(name) if isinstance(found, dict) else None
    return found if found is None or isinstance(found, str) else json.dumps(found)


REFUSED_FOR: Mapping[str, tuple[tuple[str, Callable[[Row], bool]], ...]] = MappingProxyType(
    {
        "rh_employees": (
            ("salaire absent", lambda r: r["salaire_brut"] is None),
            ("salaire négatif", lambda r: _more(0, r["salaire_brut"])),
            ("embauche avant la naissance", lambda r: _more(r["date_naissance"], r["date_embauche"])),
        ),
        "sport_activities": (),
        "strava_activities": (
            ("salarié absent", lambda r: r["employee_id"] is None),
            ("date de début absente", lambda r: r["start_date_utc"] is None),
            ("distance négative", lambda r: _more(0, r["distance_m"])),
            ("se termine avant de commencer", lambda r: _more(0, r["elapsed_time_s"])),
            (
                "en mouvement plus longtemps que la durée",
                lambda r: _more(r["moving_time_s"], r["elapsed_time_s"]),
            ),
            # Every other start lies years before any run of this test, so that no clock has a say.
            ("commence dans le futur", lambda r: r["start_date_utc"] == FUTURE),
            (
                "vitesse impossible",
                lambda r: r["moving_time_s"] is not None and _more(r["distance_m"], 25 * r["moving_time_s"]),
            ),
            (
                "données d'une autre personne",
                lambda r: (
                    r["employee_id"] is not None and _athlete(r) is not None and _athlete(r) != str(r["employee_id"])
                ),
            ),
        ),
        "distance_cache": (("distance négative", lambda r: _more(0, r["distance_m"])),),
        "reward_rules": (("taux hors de 0 à 1", lambda r: _more(0, r["bonus_rate"]) or _more(r["bonus_rate"], 1)),),
    }
)
