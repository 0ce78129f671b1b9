"""Going live: the moment at which the first load ended. Slack messages are due for later activities alone."""

from collections.abc import Callable

from lakehouse.contracts.ops import GoLive
from lakehouse.source.postgres import Connection


def read_go_live(conn: Connection) -> GoLive | None:
    """Return the go-live, or None before it. Its transaction commits just after `live_since`."""
    row = conn.execute("SELECT live_since, xmin::text::bigint FROM ops.go_live").fetchone()
    return GoLive(*row) if row else None


def mark_live(conn: Connection, backfill: Callable[[Connection], int]) -> int | None:
    """Record the end of the first load, after `backfill` has inserted earlier activities; return their number.

    Both are one transaction, so that these activities are older than the go-live. `backfill` is not called where
    there are activities. Returns None where the system is live.
    """
    with conn.transaction():
        if read_go_live(conn):
            return None
        is_empty = conn.execute("SELECT NOT EXISTS (SELECT FROM public.strava_activities)").fetchone() == (True,)
        count = backfill(conn) if is_empty else 0
        conn.execute("INSERT INTO ops.go_live (live_since) VALUES (clock_timestamp())")
        return count
