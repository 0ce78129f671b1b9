"""Probes: single-row inserts, each its own commit, and how long each is on its way."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import count

from benchmarks.measurements import Measurement
from benchmarks.observers import PROBE_NAME, observe_commits, observe_topic
from benchmarks.samples import delays_ms, first_visible_times, percentile
from benchmarks.system import BenchmarkSystem
from lakehouse.contracts import STRAVA_ACTIVITIES
from lakehouse.errors import NotReady
from lakehouse.retries import wait_until
from lakehouse.settings import Settings
from lakehouse.simulator.activity_table import next_activity_id
from lakehouse.source.postgres import connect

PROBES_PER_SECOND = 2.0
PERCENTILES = (50, 95, 99)
PROBE_TIMEOUT = 60.0  # seconds that the last probe is waited for
DESTINATIONS = ("broker", "Bronze", "Slack")
# Valid for the contract, and owed a message, which quotes its description.
INSERT = """
    INSERT INTO public.strava_activities (activity_id, employee_id, name, distance_m, moving_time_s, elapsed_time_s,
      type, sport_type, start_date_utc, raw_payload)
    SELECT %(id)s, id, %(name)s, 5000, 1800, 1900, 'Run', 'Run', now() - interval '1 hour',
           jsonb_build_object('athlete', jsonb_build_object('id', id), 'description', %(name)s::text)
    FROM public.sport_activities WHERE pratique_sport IS NOT NULL ORDER BY id LIMIT 1
"""
_probe_rounds = count(1)


@dataclass(frozen=True)
class ProbeLatencies:
    """Milliseconds from the commit to where a probe came, of each that came."""

    latencies_ms: dict[str, list[float]]

    def to_measurements(
        self, section: str, label: str, side: str, destinations: Sequence[str], targets: Mapping[str, float]
    ) -> Iterator[Measurement]:
        """Give a line a percentile and way, with the figure on this side."""
        for destination in destinations:
            for percent in PERCENTILES if self.latencies_ms[destination] else ():
                name, figure = (
                    f"commit → {destination}, p{percent}, {label}",
                    percentile(self.latencies_ms[destination], percent),
                )
                yield Measurement(section, name, "ms", target=targets.get(name)).with_value(side, figure)


def send_probes(system: BenchmarkSystem, probes: int, table: str, *, timeout: float = PROBE_TIMEOUT) -> ProbeLatencies:
    """Send so many probes at their pace, and measure each until its consumer, a table's reader and Slack had it."""
    name = f"probe-{next(_probe_rounds)}"
    with observe_topic(system.settings) as arrivals, observe_commits(table) as bronze_samples:
        _insert_probes(system, probes, name)

        def all_arrived() -> bool:
            told = sum(f"{name}-" in text for text, _ in list(system.slack.received))
            return len(first_visible_times(dict(arrivals.offsets), list(bronze_samples))) == probes <= told

        with suppress(NotReady):  # what did not come in time is counted as missing
            wait_until(all_arrived, timeout=timeout, missing="every probe")
    slack_times = {
        found[0].decode(): at for text, at in system.slack.received if (found := PROBE_NAME.search(text.encode()))
    }
    arrival_times = (arrivals.consumed_at, first_visible_times(arrivals.offsets, bronze_samples), slack_times)
    latencies_ms = {
        way: delays_ms(arrivals.committed_at, end) for way, end in zip(DESTINATIONS, arrival_times, strict=True)
    }
    missing = ", ".join(
        f"{probes - len(each)} not at {way}" for way, each in latencies_ms.items() if len(each) < probes
    )
    if missing and timeout == PROBE_TIMEOUT:
        system.log(f"of {probes} probes: {missing}")
    return ProbeLatencies(latencies_ms)


def bronze_path(settings: Settings) -> str:
    """Give where the table of the probes is."""
    return f"{settings.lake}/bronze/{STRAVA_ACTIVITIES.table}"


def _insert_probes(system: BenchmarkSystem, probes: int, name: str) -> None:
    with connect(system.settings, autocommit=True) as conn:
        first, started_at = next_activity_id(conn), time.monotonic()
        for n in range(probes):
            time.sleep(max(0.0, started_at + n / PROBES_PER_SECOND - time.monotonic()))  # the pace of the probes
            conn.execute(INSERT, {"id": first + n, "name": f"{name}-{n}"})
