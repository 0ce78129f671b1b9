"""Probes: single-row inserts, each its own commit, whose latency to each destination is measured."""

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
PROBE_PERCENTILES = (50, 95, 99)
PROBE_TIMEOUT = 60.0  # seconds to wait for the last probe
DESTINATIONS = ("broker", "Bronze", "Slack")
# Valid by the contract, and due a Slack message that quotes its description.
INSERT_PROBE = """
    INSERT INTO public.strava_activities (activity_id, employee_id, name, distance_m, moving_time_s, elapsed_time_s,
      type, sport_type, start_date_utc, raw_payload)
    SELECT %(id)s, id, %(name)s, 5000, 1800, 1900, 'Run', 'Run', now() - interval '1 hour',
           jsonb_build_object('athlete', jsonb_build_object('id', id), 'description', %(name)s::text)
    FROM public.sport_activities WHERE pratique_sport IS NOT NULL ORDER BY id LIMIT 1
"""
_probe_rounds = count(1)


@dataclass(frozen=True)
class ProbeLatencies:
    """The milliseconds from commit to arrival, by destination, of the probes that arrived."""

    latencies_ms: dict[str, list[float]]

    def to_measurements(
        self, section: str, label: str, side: str, destinations: Sequence[str], targets: Mapping[str, float]
    ) -> Iterator[Measurement]:
        """Yield a measurement for each destination and percentile, with the figure on this side."""
        for destination in destinations:
            for percent in PROBE_PERCENTILES if self.latencies_ms[destination] else ():
                name, figure = (
                    f"commit → {destination}, p{percent}, {label}",
                    percentile(self.latencies_ms[destination], percent),
                )
                yield Measurement(section, name, "ms", target=targets.get(name)).with_value(side, figure)


def send_probes(system: BenchmarkSystem, probes: int, table: str, *, timeout: float = PROBE_TIMEOUT) -> ProbeLatencies:
    """Insert probes at two a second, and return their latencies to a consumer, a table's reader and Slack.

    Probes that do not arrive within the timeout are missing from the result.
    """
    name = f"probe-{next(_probe_rounds)}"
    with observe_topic(system.settings) as arrivals, observe_commits(table) as bronze_samples:
        _insert_probes(system, probes, name)

        def all_arrived() -> bool:
            messages = sum(f"{name}-" in text for text, _ in list(system.slack.received))
            return len(first_visible_times(dict(arrivals.offsets), list(bronze_samples))) == probes <= messages

        with suppress(NotReady):  # probes that did not arrive in time are counted as missing
            wait_until(all_arrived, timeout=timeout, missing="every probe")
    slack_times = {
        match[0].decode(): at for text, at in system.slack.received if (match := PROBE_NAME.search(text.encode()))
    }
    arrival_times = (arrivals.consumed_at, first_visible_times(arrivals.offsets, bronze_samples), slack_times)
    latencies_ms = {
        destination: delays_ms(arrivals.committed_at, end_times)
        for destination, end_times in zip(DESTINATIONS, arrival_times, strict=True)
    }
    missing = ", ".join(
        f"{probes - len(latencies)} not at {destination}"
        for destination, latencies in latencies_ms.items()
        if len(latencies) < probes
    )
    if missing and timeout == PROBE_TIMEOUT:
        system.log(f"of {probes} probes: {missing}")
    return ProbeLatencies(latencies_ms)


def bronze_path(settings: Settings) -> str:
    """Return the path of the Bronze table that the probes arrive in."""
    return f"{settings.lake}/bronze/{STRAVA_ACTIVITIES.table}"


def _insert_probes(system: BenchmarkSystem, probes: int, name: str) -> None:
    with connect(system.settings, autocommit=True) as conn:
        first, started_at = next_activity_id(conn), time.monotonic()
        for n in range(probes):
            time.sleep(max(0.0, started_at + n / PROBES_PER_SECOND - time.monotonic()))  # the interval between probes
            conn.execute(INSERT_PROBE, {"id": first + n, "name": f"{name}-{n}"})
