"""What happens once in a system's life: the months before it, and the moment it goes live."""

from random import Random

import psycopg

from lakehouse.source.history import history
from lakehouse.source.recorded import athletes, copy, free_id, live_since, now


def go_live(conn: psycopg.Connection, rng: Random, months: int) -> int | None:
    """Note that the first load has ended, after having put in `months` of activities where there are none.

    One transaction: what is in it is older than going live, so that Slack owes nobody a message for it.
    Gives how many activities were put in, None where the system is live already.
    """
    with conn.transaction():
        if live_since(conn):
            return None
        empty = conn.execute("SELECT NOT EXISTS (SELECT FROM public.strava_activities)").fetchone() == (True,)
        past = history(rng, athletes(conn), free_id(conn), now(conn), months) if empty and months else ()
        count = copy(conn, past)
        conn.execute("INSERT INTO ops.go_live (live_since) VALUES (clock_timestamp())")
        return count
