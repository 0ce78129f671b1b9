"""Probes: single-row inserts, each its own commit, whose latency to each destination is measured."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import NamedTuple

from benchmarks.changes import earliest_start
from benchmarks.measurements import Measurement
from benchmarks.observers import PROBE_NAME, observe_commits, observe_topic
from benchmarks.samples import delays_ms, first_visible_times, percentile
from benchmarks.system import BenchmarkSystem
from lakehouse.contracts import STRAVA_ACTIVITIES
from lakehouse.errors import NotReady
from lakehouse.retries import wait_until
from lakehouse.settings import Settings
from lakehouse.simulator.activity_table import next_activity_id, read_athletes
from lakehouse.source.postgres import connect

PROBES_PER_SECOND = 2.0
PROBE_SLOT = timedelta(hours=1)  # longer than a probe's duration, so that no two overlap
PROBE_PERCENTILES = (50, 95, 99)
PROBE_TIMEOUT = 60.0  # seconds to wait for the last probe
DESTINATIONS = ("broker", "Bronze", "Slack")
# Valid by the contract, and due a Slack message that quotes its description. All are of one person, whose activities
# the load does not insert.
INSERT_PROBE = """
    INSERT INTO public.strava_activities (activity_id, employee_id, name, distance_m, moving_time_s, elapsed_time_s,
      type, sport_type, start_date_utc, raw_payload)
    VALUES (%(id)s, %(employee)s, %(name)s, 5000, 1800, 1900, 'Run', 'Run', %(start)s,
            jsonb_build_object('athlete', jsonb_build_object('id', %(employee)s), 'description', %(name)s::text))
"""
_probe_rounds = count(1)


class Target(NamedTuple):
    """What a latency should reach: milliseconds, or a ratio to the latency of the bare consumer with delta-rs."""

    ms: float | None = None
    ratio: float | None = None


@dataclass(frozen=True)
class ProbeLatencies:
    """The milliseconds from commit to arrival, by destination, of the probes that arrived."""

    latencies_ms: dict[str, list[float]]

    def to_measurements(
        self, section: str, label: str, side: str, destinations: Sequence[str], targets: Mapping[str, Target]
    ) -> Iterator[Measurement]:
        """Yield a measurement for each destination and percentile, with the figure on this side."""
        for destination in destinations:
            for percent in PROBE_PERCENTILES if self.latencies_ms[destination] else ():
                name, figure = (
                    f"commit → {destination}, p{percent}, {label}",
                    percentile(self.latencies_ms[destination], percent),
                )
                target = targets.get(name, Target())
                measured = Measurement(section, name, "ms", target=target.ms, target_ratio=target.ratio)
                yield measured.with_value(side, figure)


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
        first, employee_id = next_activity_id(conn), read_athletes(conn)[0].employee_id
        before, started_at = earliest_start(conn, [employee_id]), time.monotonic()
        for n in range(probes):
            time.sleep(max(0.0, started_at + n / PROBES_PER_SECOND - time.monotonic()))  # the interval between probes
            start = before - (n + 1) * PROBE_SLOT
            conn.execute(
                INSERT_PROBE, {"id": first + n, "employee": employee_id, "start": start, "name": f"{name}-{n}"}
            )
