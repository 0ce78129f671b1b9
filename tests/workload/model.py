"""A model of the lake after a workload, computed from the committed transactions alone.

The contracts' rules are implemented here a second time, independently of the engine.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any, NamedTuple

from workload.committed_transactions import DELETE, KEYS, Change, Key, Row, Transaction
from workload.row_generator import FUTURE_START

CORRECTED, DELETED = "corrigé", "supprimé"
# The columns that show whose a row is.
SUBJECTS = {
    "rh_employees": "id",
    "sport_activities": "id",
    "strava_activities": "employee_id",
    "distance_cache": "origin_address",
}


class ChangePosition(NamedTuple):
    """The position of a change among those of its key, from 0; TRUNCATEs, without a key, have their own count."""

    key: Key | None
    ordinal: int


@dataclass
class Refusal:
    """A refused change, its reasons, whose row it is, and how and by which change it was resolved."""

    op: str
    reasons: list[str]
    subject: str | None = None
    resolution: str | None = None
    resolved_at: ChangePosition | None = None


@dataclass
class TableModel:
    """The model of one table: its changes, Silver's accepted rows, and the refused changes."""

    changes: dict[ChangePosition, Change] = field(default_factory=dict)
    accepted: dict[Key, Row] = field(default_factory=dict)
    refused: dict[ChangePosition, Refusal] = field(default_factory=dict)
    _next_ordinal: dict[Key | None, int] = field(default_factory=dict)
    _open_refusals: dict[Key, list[Refusal]] = field(default_factory=dict)

    def apply(self, change: Change) -> None:
        """Accept or refuse a change, and resolve its key's open refusals where it corrects or deletes the row."""
        position = ChangePosition(change.key, self._next_ordinal.get(change.key, 0))
        self._next_ordinal[change.key] = position.ordinal + 1
        self.changes[position] = change
        if change.key is None:
            for key in [*self._open_refusals]:
                self._resolve(key, DELETED, position)
            self.accepted.clear()
        elif change.row is None:
            self._resolve(change.key, DELETED, position)
            self.accepted.pop(change.key, None)
        elif violations := refusal_reasons(change.table, change.row):
            subject = find_subject(change.table, change.row, self.accepted.get(change.key))
            self.refused[position] = Refusal(change.op, violations, subject)
            self._open_refusals.setdefault(change.key, []).append(self.refused[position])
        else:
            self._resolve(change.key, CORRECTED, position)
            self.accepted[change.key] = change.row

    def _resolve(self, key: Key, resolution: str, position: ChangePosition) -> None:
        for refusal in self._open_refusals.pop(key, []):
            refusal.resolution, refusal.resolved_at = resolution, position


def expected_tables(transactions: Iterable[Transaction]) -> Mapping[str, TableModel]:
    """Return the model of each table after these transactions."""
    tables = {table: TableModel() for table in KEYS}
    for transaction in transactions:
        for change in transaction:
            tables[change.table].apply(change)
    return tables


def find_subject(table: str, row: Row, accepted: Row | None) -> str | None:
    """Return whose row a refused change is: as it says, or else as the accepted row before it does."""
    column = SUBJECTS.get(table)
    values = [candidate[column] for candidate in (row, accepted) if column and candidate]
    return next((str(value) for value in values if value is not None), None)


def refusal_reasons(table: str, row: Row) -> list[str]:
    """Return the reasons why a row is refused, in the contract's order; empty where it is accepted."""
    return [message for message, is_violated in RULES_BY_TABLE[table] if is_violated(row)]


def version_row(change: Change, columns: Iterable[str]) -> Row:
    """Return a change's row as in Silver's versions: of a delete only the key is set."""
    if change.op == DELETE:
        return {name: change.key if name == KEYS[change.table] else None for name in columns}
    return change.row or dict.fromkeys(columns)


def _is_greater(left: Any, right: Any) -> bool:
    return left is not None and right is not None and bool(left > right)


def _longer_duration(row: Row) -> int:
    """Return the longer of the two durations in seconds, 0 where there is none."""
    return max(row["moving_time_s"] or 0, row["elapsed_time_s"] or 0)


def _is_of_another_athlete(row: Row) -> bool:
    """Return whether the payload has an athlete's id that is not the employee's number."""
    value = json.loads(row["raw_payload"] or "null", parse_float=Decimal)
    for name in ("athlete", "id"):
        value = value.get(name) if isinstance(value, dict) else None
    if row["employee_id"] is None or value is None:
        return False
    try:
        return Decimal(value) != row["employee_id"] or isinstance(value, bool)
    except (InvalidOperation, TypeError, ValueError):
        return True


RULES_BY_TABLE: Mapping[str, tuple[tuple[str, Callable[[Row], bool]], ...]] = MappingProxyType(
    {
        "rh_employees": (
            ("salaire absent", lambda r: r["salaire_brut"] is None),
            ("salaire négatif", lambda r: _is_greater(0, r["salaire_brut"])),
            ("embauche avant la naissance", lambda r: _is_greater(r["date_naissance"], r["date_embauche"])),
        ),
        "sport_activities": (),
        "strava_activities": (
            ("salarié absent", lambda r: r["employee_id"] is None),
            ("date de début absente", lambda r: r["start_date_utc"] is None),
            ("distance négative", lambda r: _is_greater(0, r["distance_m"])),
            ("se termine avant de commencer", lambda r: _is_greater(0, r["elapsed_time_s"])),
            (
                "en mouvement plus longtemps que la durée",
                lambda r: (
                    r["elapsed_time_s"] is not None
                    and _is_greater(r["moving_time_s"], r["elapsed_time_s"] + max(10, r["elapsed_time_s"] / 100))
                ),
            ),
            ("sans durée", lambda r: not _longer_duration(r)),
            # All other starts lie years in the past, so that the rule depends on no clock.
            ("commence dans le futur", lambda r: r["start_date_utc"] == FUTURE_START),
            (
                "vitesse impossible",
                lambda r: _longer_duration(r) > 0 and _is_greater(r["distance_m"], 25 * _longer_duration(r)),
            ),
            ("données d'une autre personne", _is_of_another_athlete),
        ),
        "distance_cache": (("distance négative", lambda r: _is_greater(0, r["distance_m"])),),
        "reward_rules": (
            ("taux hors de 0 à 1", lambda r: _is_greater(0, r["bonus_rate"]) or _is_greater(r["bonus_rate"], 1)),
        ),
    }
)
