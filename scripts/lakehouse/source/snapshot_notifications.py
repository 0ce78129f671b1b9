"""Debezium's notifications about incremental snapshots: which table was read to its end, and which was not.

https://debezium.io/documentation/reference/3.6/configuration/notification.html has the format. COMPLETED ends the whole
request, also where the scan of each of its tables failed; TABLE_SCAN_COMPLETED has the status of one table.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

SUCCEEDED = "SUCCEEDED"
# Statuses of a scan after which every row of the table was sent.
COMPLETE_STATUSES = frozenset((SUCCEEDED, "EMPTY"))
NOT_CAPTURED, NOT_SCANNED, ABORTED = "NOT_CAPTURED", "NOT_SCANNED", "ABORTED"


@dataclass(frozen=True)
class Notification:
    """A notification about the request `signal_id`; `kind` is one of Debezium's snapshot statuses."""

    signal_id: str
    kind: str
    tables: tuple[str, ...] = ()
    scanned_table: str | None = None
    status: str | None = None


def parse_notification(value: bytes | None) -> Notification | None:
    """Return the notification in a message, or None where it is about something else or is not readable."""
    try:
        message = json.loads(value or b"")
        details = message["additional_data"] or {}
        if message["aggregate_type"] != "Incremental Snapshot":
            return None
        return Notification(
            signal_id=str(message["id"]),
            kind=str(message["type"]),
            tables=tuple(name for name in str(details.get("data_collections") or "").split(",") if name),
            scanned_table=details.get("scanned_collection"),
            status=details.get("status"),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def outcomes(notifications: Iterable[Notification], requested: Mapping[str, str]) -> Mapping[str, str]:
    """Return how the snapshot of each requested table ended: SUCCEEDED, or why not. Others are still in progress.

    `requested` maps tables, as schema.table, to the ids of their requests. A table that was read once to its end
    stays SUCCEEDED: Debezium repeats a request that it had not acknowledged before it was killed.
    """
    found: dict[str, str] = {}

    def record(outcome: str, tables: Iterable[str]) -> None:
        for table in tables:
            if found.get(table) != SUCCEEDED:
                found[table] = SUCCEEDED if outcome in COMPLETE_STATUSES else outcome

    for notification in notifications:
        concerned = [table for table, signal_id in requested.items() if signal_id == notification.signal_id]
        match notification.kind:
            case "STARTED":
                record(NOT_CAPTURED, (table for table in concerned if table not in notification.tables))
            case "TABLE_SCAN_COMPLETED":
                record(
                    notification.status or NOT_SCANNED,
                    (table for table in concerned if table == notification.scanned_table),
                )
            case "ABORTED":
                record(ABORTED, (table for table in concerned if table in (notification.tables or concerned)))
            case "COMPLETED":
                record(NOT_SCANNED, [table for table in concerned if table not in found])
    return found
