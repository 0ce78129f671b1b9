"""Going live, once in a system's life: generate a history of activities, and record the moment."""

from random import Random

import psycopg

from lakehouse.simulator.activity_table import copy_activities, db_now, next_activity_id, read_athletes, read_live_since
from lakehouse.simulator.backfill import generate_history


def mark_live(conn: psycopg.Connection, rng: Random, months: int) -> int | None:
    """Record that the first load has ended, after inserting `months` of generated activities where there are none.

    Both happen in one transaction, so the generated activities precede go-live and enqueue no Slack message.
    Returns the number of inserted activities, None where the system is live already.
    """
    with conn.transaction():
        if read_live_since(conn):
            return None
        empty = conn.execute("SELECT NOT EXISTS (SELECT FROM public.strava_activities)").fetchone() == (True,)
        backfill = (
            generate_history(rng, read_athletes(conn), next_activity_id(conn), db_now(conn), months)
            if empty and months
            else ()
        )
        count = copy_activities(conn, backfill)
        conn.execute("INSERT INTO ops.go_live (live_since) VALUES (clock_timestamp())")
        return count
