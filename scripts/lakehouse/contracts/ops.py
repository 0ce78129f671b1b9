"""Rows of the schema ops, which is not captured: the source reads them, and the figures depend on them."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class GoLive:
    """When the first load ended, and its transaction, with Debezium's number for it."""

    live_since: datetime
    tx_id: int
