"""The timeline of the source's WAL, stored with the Bronze table: a promoted standby writes another one.

A promoted standby keeps the system identifier, and may lack the last commits of the server that it replaces.
"""

from lakehouse.cdc.contract import Contract
from lakehouse.cdc.table_store import TableStore
from lakehouse.errors import SourceMismatch

TIMELINE_PROPERTY = "cdc.timeline"


def record_timeline(store: TableStore, timeline: int, contract: Contract) -> None:
    """Store the timeline with a Bronze table that has none yet. No stream may run: it fails when a property changes."""
    if TIMELINE_PROPERTY not in store.properties("bronze", contract.table):
        store.set_properties("bronze", contract.table, {TIMELINE_PROPERTY: str(timeline)})


def ensure_same_timeline(store: TableStore, timeline: int, contract: Contract) -> None:
    """Raise SourceMismatch where the Bronze table was read from another timeline."""
    known = store.properties("bronze", contract.table).get(TIMELINE_PROPERTY, str(timeline))
    if known != str(timeline):
        raise SourceMismatch(
            f"bronze/{contract.table} was read from timeline {known} of Postgres, which now writes timeline "
            f"{timeline}: a standby was promoted, or a backup restored, and what was committed last may be gone. "
            f"{contract.hints.resnapshot}"
        )
