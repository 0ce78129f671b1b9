"""Probes: single-row inserts, each its own commit, and how long each is on its way."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import count

from benchmarks.lines import Line
from benchmarks.samples import delays, percentile, visible
from benchmarks.system import System
from benchmarks.watching import PROBE, commits, consumed
from lakehouse.contracts import STRAVA_ACTIVITIES
from lakehouse.errors import NotReady
from lakehouse.settings import Settings
from lakehouse.source.postgres import connect
from lakehouse.source.recorded import free_id
from lakehouse.waiting import wait_until

A_SECOND = 2.0
PERCENTILES = (50, 95, 99)
LATE = 60.0  # seconds that the last probe is waited for
WAYS = ("broker", "Bronze", "Slack")
# Valid for the contract, and owed a message, which quotes its description.
INSERT = """
    INSERT INTO public.strava_activities (activity_id, employee_id, name, distance_m, moving_time_s, elapsed_time_s,
      type, sport_type, start_date_utc, raw_payload)
    SELECT %(id)s, id, %(name)s, 5000, 1800, 1900, 'Run', 'Run', now() - interval '1 hour',
           jsonb_build_object('athlete', jsonb_build_object('id', id), 'description', %(name)s::text)
    FROM public.sport_activities WHERE pratique_sport IS NOT NULL ORDER BY id LIMIT 1
"""
_rounds = count(1)


@dataclass(frozen=True)
class Measured:
    """Milliseconds from the commit to where a probe came, of each that came."""

    took: dict[str, list[float]]

    def lines(
        self, section: str, when: str, side: str, ways: Sequence[str], targets: Mapping[str, float]
    ) -> Iterator[Line]:
        """Give a line a percentile and way, with the figure on this side."""
        for way in ways:
            for share in PERCENTILES if self.took[way] else ():
                name, figure = f"commit → {way}, p{share}, {when}", percentile(self.took[way], share)
                yield Line(section, name, "ms", target=targets.get(name)).on(side, figure)


def probe(system: System, probes: int, table: str, *, patience: float = LATE) -> Measured:
    """Send so many probes at their pace, and measure each until its consumer, a table's reader and Slack had it."""
    name = f"probe-{next(_rounds)}"
    with consumed(system.settings) as arrivals, commits(table) as read:
        _send(system, probes, name)

        def all_there() -> bool:
            told = sum(f"{name}-" in text for text, _ in list(system.slack.received))
            return len(visible(dict(arrivals.offsets), list(read))) == probes <= told

        with suppress(NotReady):  # what did not come in time is counted as missing
            wait_until(all_there, timeout=patience, missing="every probe")
    told = {found[0].decode(): at for text, at in system.slack.received if (found := PROBE.search(text.encode()))}
    ended = (arrivals.at_consumer, visible(arrivals.offsets, read), told)
    took = {way: delays(arrivals.committed, end) for way, end in zip(WAYS, ended, strict=True)}
    missing = ", ".join(f"{probes - len(each)} not at {way}" for way, each in took.items() if len(each) < probes)
    if missing and patience == LATE:
        system.say(f"of {probes} probes: {missing}")
    return Measured(took)


def bronze(settings: Settings) -> str:
    """Give where the table of the probes is."""
    return f"{settings.lake}/bronze/{STRAVA_ACTIVITIES.table}"


def _send(system: System, probes: int, name: str) -> None:
    with connect(system.settings, autocommit=True) as conn:
        first, began = free_id(conn), time.monotonic()
        for n in range(probes):
            time.sleep(max(0.0, began + n / A_SECOND - time.monotonic()))  # the pace of the probes
            conn.execute(INSERT, {"id": first + n, "name": f"{name}-{n}"})
