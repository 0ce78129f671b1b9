"""A writer of activities, valid and invalid, of corrections and deletes, and of employees who change and leave."""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from threading import Event

from lakehouse.errors import NotReady
from lakehouse.settings import Settings
from lakehouse.simulator.activity_generator import Athlete
from lakehouse.simulator.activity_table import read_athletes
from lakehouse.simulator.cli import insert_one
from lakehouse.source.postgres import TRANSIENT_ERRORS, Connection, connect

# Seconds, statements; services that restart need their share of two cores.
BURST_INTERVAL, BURST_SIZE_RANGE = 2.0, (1, 40)
ACTIVITY_SHARE, INVALID_ACTIVITY_SHARE = 0.08, 0.15  # share of all statements, share of the activities
FIRST_VISITOR_ID = 900_000  # ids of employees who are inserted and deleted with their activities, never messaged
STATEMENTS = (
    "UPDATE strava_activities SET distance_m = -1 WHERE activity_id = (SELECT min(activity_id) FROM strava_activities)",
    "UPDATE strava_activities SET distance_m = 5000 WHERE distance_m < 0",
    "UPDATE strava_activities SET calories = calories + 1 WHERE activity_id %% 97 = %(n)s %% 97",
    "DELETE FROM strava_activities WHERE activity_id = (SELECT min(activity_id) FROM strava_activities)",
    "UPDATE rh_employees SET salaire_brut = salaire_brut + 0.01 WHERE id %% 11 = %(n)s %% 11",
    """UPDATE rh_employees SET adresse_complete = regexp_replace(adresse_complete, '^\\S+', %(n)s::text)
       WHERE id %% 41 = %(n)s %% 41""",
    """INSERT INTO rh_employees (id, nom, prenom, salaire_brut) VALUES (%(visitor)s, 'de passage', 'x', %(n)s)
       ON CONFLICT DO NOTHING""",
    "INSERT INTO sport_activities SELECT id, 'Judo' FROM rh_employees WHERE id = %(visitor)s ON CONFLICT DO NOTHING",
    """INSERT INTO strava_activities (activity_id, employee_id, distance_m, elapsed_time_s, start_date_utc, private)
       SELECT id, id, %(n)s, 600, now(), true FROM rh_employees WHERE id = %(visitor)s ON CONFLICT DO NOTHING""",
    "DELETE FROM rh_employees WHERE id = %(visitor)s",
)


@dataclass
class Writer:
    """A writer to Postgres that counts its activities, other statements and interruptions."""

    settings: Settings
    rng: Random
    counts: Counter[str] = field(default_factory=Counter)

    def run(self, stop: Event) -> None:
        """Write until `stop` is set; reconnect whenever Postgres is unavailable."""
        while not stop.is_set():
            with suppress(NotReady, *TRANSIENT_ERRORS), connect(self.settings, autocommit=True) as conn:
                self._write(conn, stop)
            self.counts["interruptions"] += not stop.wait(0.2)

    def _write(self, conn: Connection, stop: Event) -> None:
        people = [person for person in read_athletes(conn) if person.employee_id < FIRST_VISITOR_ID]
        while not stop.wait(BURST_INTERVAL):
            for _ in range(self.rng.randint(*BURST_SIZE_RANGE)):
                self._write_one(conn, people)

    def _write_one(self, conn: Connection, people: Sequence[Athlete]) -> None:
        if self.rng.random() < ACTIVITY_SHARE:
            insert_one(conn, self.rng, people, INVALID_ACTIVITY_SHARE)
            self.counts["activities"] += 1
        else:
            n = self.rng.randrange(1_000)
            conn.execute(self.rng.choice(STATEMENTS), {"n": n, "visitor": FIRST_VISITOR_ID + n % 5})
            self.counts["statements"] += 1
