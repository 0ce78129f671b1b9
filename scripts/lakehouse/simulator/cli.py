"""The command line of the simulator: it inserts new activities one by one, or months of them at once."""

import argparse
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

from lakehouse import errors, logs
from lakehouse.arguments import SEED, SHARE, Number, Parser, WholeNumber, refuse
from lakehouse.errors import NotReady
from lakehouse.simulator.activity_generator import Activity, Athlete, generate_activity
from lakehouse.simulator.activity_table import (
    copy_activities,
    insert_activity,
    next_activity_id,
    read_athletes,
    read_busy_intervals,
)
from lakehouse.simulator.backfill import generate_compatible_history
from lakehouse.simulator.invalid_activities import corrupt
from lakehouse.source import postgres
from lakehouse.source.go_live import read_go_live
from lakehouse.source.own_postgres import ensure_own_postgres
from lakehouse.source.postgres import Connection, connect, db_now
from lakehouse.source.roles import loader_settings

ENDED_AGO_RANGE_S = (10, 600)
MAX_ACTIVITIES = 1_000_000
MAX_HISTORY_MONTHS = 600  # fifty years
PAUSE_S = Number(0, 86_400, "seconds")


def main() -> None:
    """Run the command and exit with its exit code."""
    errors.run(_main)


def _main() -> None:
    options = _parser().parse_args()
    settings = loader_settings()
    logs.configure(settings.log_format)
    rng = Random(options.seed)
    with connect(settings, autocommit=True) as conn:
        ensure_own_postgres(conn, settings)
        athletes = _require_athletes(conn)
        if options.history_months:
            print(f"{insert_past_activities(conn, rng, athletes, options.history_months)} past activities inserted")
            return
        for number in range(1, options.count + 1):
            if number > 1:
                time.sleep(rng.uniform(*options.delay))  # simulates the pace at which activities arrive
            print(
                f"{number}/{options.count} {_format_activity(insert_one(conn, rng, athletes, options.error_rate))}",
                flush=True,
            )


def insert_one(conn: Connection, rng: Random, athletes: Sequence[Athlete], error_rate: float) -> Activity | None:
    """Insert an activity that has just ended, corrupted with a probability of `error_rate`, and return it.

    It ended sooner where its athlete was busy with another one. Returns None where its employee was deleted in the
    meantime.
    """
    ended_at = db_now(conn) - timedelta(seconds=rng.randint(*ENDED_AGO_RANGE_S))
    athlete, activity_id = rng.choice(athletes), next_activity_id(conn)
    busy = read_busy_intervals(conn, [athlete], ended_at).get(athlete.employee_id, ())
    activity = generate_activity(rng, athlete, activity_id, ended_at, public=True, busy=busy)
    activity = corrupt(rng, activity) if rng.random() < error_rate else activity
    try:
        insert_activity(conn, activity)
    except postgres.errors.ForeignKeyViolation:
        return None
    return activity


def insert_past_activities(conn: Connection, rng: Random, athletes: Sequence[Athlete], months: int) -> int:
    """Insert `months` of activities up to now, and return their number.

    Each created_at is at most the time of go-live, so that no activity enqueues a Slack message.
    """
    go_live = read_go_live(conn)
    live_since = go_live.live_since if go_live else None
    with conn.deadline(postgres.LONG_DEADLINE_S), conn.transaction():
        history = generate_compatible_history(conn, rng, athletes, months)
        return copy_activities(conn, (_cap_created_at(activity, live_since) for activity in history))


def _cap_created_at(activity: Activity, live_at: datetime | None) -> Activity:
    if live_at is None or activity.created_at is None or activity.created_at <= live_at:
        return activity
    return replace(activity, created_at=live_at)


def _require_athletes(conn: Connection) -> list[Athlete]:
    try:
        athletes = read_athletes(conn)
    except postgres.errors.UndefinedTable:
        athletes = []
    if not athletes:
        raise NotReady(
            "no employee practises a sport in Postgres. Load HR's files: python scripts/ETL_Full_Load/pipeline.py."
        )
    return athletes


def _format_activity(activity: Activity | None) -> str:
    if activity is None:
        return "not inserted: its employee has just left"
    distance = f", {activity.distance_m / 1000:.1f} km" if activity.distance_m is not None else ""
    minutes = max(activity.moving_time_s, activity.elapsed_time_s) // 60
    return f"activity {activity.activity_id}: {activity.sport_type}{distance}, {minutes} min"


def _parser() -> Parser:
    parser = Parser(
        prog="simulate_new_strava_activities.py",
        description="Simulate new activities of employees who practise a sport.",
        epilog="example: python simulate_new_strava_activities.py --count 100 --delay 0:0 --error-rate 0.1",
    )
    parser.add_argument(
        "--count", type=WholeNumber(0, MAX_ACTIVITIES), default=20, metavar="N", help="how many (%(default)s)"
    )
    parser.add_argument(
        "--delay", type=Pace(), default="2:6", metavar="LEAST:MOST", help="seconds between two (%(default)s)"
    )
    parser.add_argument("--seed", type=SEED, metavar="N", help="make the same ones again")
    parser.add_argument(
        "--history-months",
        type=WholeNumber(0, MAX_HISTORY_MONTHS),
        default=0,
        metavar="N",
        help="instead, several thousand over N months",
    )
    parser.add_argument("--error-rate", type=SHARE, default=0.0, metavar="SHARE", help="wrong ones, 0 to 1 (0)")
    return parser


class Pace:
    """The argument LEAST:MOST, in seconds; one number is both."""

    expected = f"LEAST:MOST, each {PAUSE_S.expected}"

    def __call__(self, text: str) -> tuple[float, float]:
        """Return both numbers; raise ArgumentTypeError outside their range, or where the first is the larger."""
        least, _, most = text.partition(":")
        try:
            pace = PAUSE_S(least), PAUSE_S(most or least)
        except argparse.ArgumentTypeError:
            raise refuse(text, self.expected) from None
        if pace[0] > pace[1]:
            raise refuse(text, self.expected)
        return pace
