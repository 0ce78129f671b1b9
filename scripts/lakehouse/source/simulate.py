"""The simulator: new activities, one by one as they would arrive, or months of them at once."""

import argparse
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

import psycopg
from psycopg.errors import ForeignKeyViolation

from lakehouse import errors, logs
from lakehouse.errors import NotReady
from lakehouse.settings import Settings
from lakehouse.source.activities import Activity, Athlete, activity
from lakehouse.source.history import history
from lakehouse.source.mistakes import wrong
from lakehouse.source.postgres import connect
from lakehouse.source.recorded import athletes, copy, free_id, insert, live_since, now

EXAMPLE = "example: python simulate_new_strava_activities.py --count 100 --delay 0:0 --error-rate 0.1"
JUST_ENDED = (10, 600)  # seconds ago


def main() -> None:
    """Run the command and leave with its exit code."""
    errors.run(_main)


def _main() -> None:
    options = _parser().parse_args()
    settings = Settings()
    logs.configure(settings.log_format)
    rng = Random(options.seed)
    with connect(settings, autocommit=True) as conn:
        people = _athletes(conn)
        if options.history_months:
            print(f"{past(conn, rng, people, options.history_months)} activities of the past")
            return
        for number in range(1, options.count + 1):
            if number > 1:
                time.sleep(rng.uniform(*options.delay))  # what is simulated: people's pace
            print(f"{number}/{options.count} {_line(one(conn, rng, people, options.error_rate))}", flush=True)


def one(conn: psycopg.Connection, rng: Random, people: Sequence[Athlete], error_rate: float) -> Activity | None:
    """Put in an activity that has just ended, wrong at the rate given; None when its employee left meanwhile."""
    ended = now(conn) - timedelta(seconds=rng.randint(*JUST_ENDED))
    done = activity(rng, rng.choice(people), free_id(conn), ended, shared=True)
    done = wrong(rng, done) if rng.random() < error_rate else done
    try:
        insert(conn, done)
    except ForeignKeyViolation:
        return None
    return done


def past(conn: psycopg.Connection, rng: Random, people: Sequence[Athlete], months: int) -> int:
    """Put in months of activities up to now, none created after going live: nobody is owed a message for them."""
    live = live_since(conn)
    with conn.transaction():
        made = history(rng, people, free_id(conn), now(conn), months)
        return copy(conn, (_before(done, live) for done in made))


def _before(done: Activity, live: datetime | None) -> Activity:
    if live is None or done.created_at is None or done.created_at <= live:
        return done
    return replace(done, created_at=live)


def _athletes(conn: psycopg.Connection) -> list[Athlete]:
    try:
        people = athletes(conn)
    except psycopg.errors.UndefinedTable:
        people = []
    if not people:
        raise NotReady("no employee practises a sport in Postgres. Load HR's files: scripts/ETL_Full_Load/pipeline.py.")
    return people


def _line(done: Activity | None) -> str:
    if done is None:
        return "left out: its employee has just left"
    far = f", {done.distance_m / 1000:.1f} km" if done.distance_m is not None else ""
    return f"activity {done.activity_id}: {done.sport_type}{far}, {done.elapsed_time_s // 60} min"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="simulate_new_strava_activities.py",
        description="Simulate new activities of employees who practise a sport.",
        epilog=EXAMPLE,
    )
    parser.add_argument("--count", type=whole_number, default=20, metavar="N", help="how many (%(default)s)")
    parser.add_argument(
        "--delay", type=seconds, default="2:6", metavar="LEAST:MOST", help="seconds between two (%(default)s)"
    )
    parser.add_argument("--seed", type=int, metavar="N", help="make the same ones again")
    parser.add_argument(
        "--history-months", type=whole_number, default=0, metavar="N", help="instead, several thousand over N months"
    )
    parser.add_argument("--error-rate", type=share, default=0.0, metavar="SHARE", help="wrong ones, 0 to 1 (0)")
    return parser


def seconds(text: str) -> tuple[float, float]:
    least, _, most = text.partition(":")
    pace = float(least), float(most or least)
    if not 0 <= pace[0] <= pace[1]:
        raise ValueError(text)
    return pace


def whole_number(text: str) -> int:
    if (number := int(text)) < 0:
        raise ValueError(text)
    return number


def share(text: str) -> float:
    if not 0 <= (value := float(text)) <= 1:
        raise ValueError(text)
    return value
