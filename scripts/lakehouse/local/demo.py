"""The whole way, as a person would walk it: from the files to the figures, step by step, with times."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from time import monotonic

from rich.console import Console
from rich.table import Table

from lakehouse.cdc.catalog import Catalog
from lakehouse.contracts import CAPTURED
from lakehouse.distance.cache import pending_requests
from lakehouse.distance.estimate import Estimate
from lakehouse.distance.google_routes import Google
from lakehouse.errors import LakehouseError
from lakehouse.local import demo_queries
from lakehouse.local.stack import Stack
from lakehouse.retries import wait_until
from lakehouse.settings import ROOT, Settings
from lakehouse.source import consistent_cut
from lakehouse.source.postgres import connect, db_now

PIPELINE = ("scripts/ETL_Full_Load/pipeline.py",)
REFRESH = ("scripts/Jobs_Spark/batch_refresh_silver_gold.py",)
SIMULATE = ("simulate_new_strava_activities.py", "--count", "20", "--delay", "0:0")
TIMEOUT = 60  # seconds
NEXT_STEPS = """\
Everything stays up. To look at it:
  Power BI     Spark, server {address}, protocol Standard, Import, user admin, no password
  beeline      . .venv/bin/activate; export JAVA_HOME={java}
               beeline -u "jdbc:hive2://{address}" -n admin -e "SELECT * FROM gold.v_kpi;"
  the system   make status, make logs, make slack
To stop it:    make down (the data stays) or make reset (the data goes)
"""


class StepTimer:
    """Says each step as it begins and how long it took, and keeps the times for the end."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._times: list[tuple[str, float]] = []

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Time what is done inside."""
        self._console.rule(f"[bold]{title}", align="left")
        began = monotonic()
        yield
        self._times.append((title, monotonic() - began))

    def print_times(self) -> None:
        """Print every step's time, and their sum."""
        table = Table("step", "seconds", title="How long it took", title_justify="left")
        for title, took in [*self._times, ("all of it", sum(took for _, took in self._times))]:
            table.add_row(title, f"{took:.1f}")
        self._console.print(table)


def demo(stack: Stack) -> None:
    """Walk the whole way and leave the stack up. Run twice, it walks again over what is there."""
    console = Console()
    steps = StepTimer(console)
    with steps.step("Start the services"):
        stack.up()
    with steps.step("Load HR's files and, the first time, a year of activities"):
        _run_script(stack, *PIPELINE)
    with steps.step("Find each distance from home to work"):
        _wait_for_distances(stack.settings)
    with steps.step("Wait until Bronze has every change"):
        _wait_for_bronze(stack.settings)
    with steps.step("Refresh Silver and Gold"):
        _run_script(stack, *REFRESH)
    with steps.step("Simulate 20 new activities"):
        began = _simulate(stack)
    with steps.step("See what Slack gets"):
        _show_messages(stack.settings, began, console)
    with steps.step("Refresh again"):
        _wait_for_bronze(stack.settings)
        _run_script(stack, *REFRESH)
    with steps.step("Read the figures over the Thrift server"):
        demo_queries.print_results(stack.settings, console)
    steps.print_times()
    address = f"{stack.settings.thrift_host}:{stack.settings.thrift_port}"
    console.print(NEXT_STEPS.format(address=address, java=stack.settings.java_home), highlight=False, soft_wrap=True)


def _run_script(stack: Stack, *arguments: str) -> None:
    """Run an entry point as a person would type it."""
    print(f"$ python {' '.join(arguments)}", flush=True)
    result = subprocess.run([sys.executable, *arguments], cwd=ROOT, env=stack.environment(), check=False)
    if result.returncode != 0:
        raise LakehouseError(f"`python {' '.join(arguments)}` ended with {result.returncode}; what it said is above.")


def _wait_for_distances(settings: Settings) -> None:
    """Wait until the distance worker has asked every question once; what failed it asks again later, by itself."""
    provider = (Google if settings.api_key_maps else Estimate).name

    def are_all_attempted() -> bool:
        with connect(settings) as connection:
            return all(request.attempts for request in pending_requests(connection, provider))

    wait_until(are_all_attempted, timeout=TIMEOUT, missing="each distance; see .local/logs/distance-worker.log")


def _wait_for_bronze(settings: Settings) -> None:
    offsets_by_table = consistent_cut.wait_for_consistent_cut(
        settings, Catalog(settings.lake), CAPTURED, timeout=TIMEOUT
    )
    for table, positions in offsets_by_table.items():
        print(f"bronze/{table}: {sum(end + 1 for end in positions.values())} messages")


def _simulate(stack: Stack) -> datetime:
    """Give the moment, on Postgres's clock, after which the new activities were created."""
    with connect(stack.settings) as connection:
        began = db_now(connection)
    _run_script(stack, *SIMULATE)
    return began


def _show_messages(settings: Settings, began: datetime, console: Console) -> None:
    wait_until(
        lambda: _count_without_message(settings, began) == 0,
        timeout=TIMEOUT,
        missing="each new activity's message; see .local/logs/slack-notifier.log",
    )
    with connect(settings) as connection:
        messages = connection.execute(
            "SELECT status, message FROM ops.slack_outbox WHERE owed_at >= %s ORDER BY owed_at, activity_id", [began]
        ).fetchall()
    for status, message in messages:
        console.print(f"{status:<10}{message}", markup=False, highlight=False, soft_wrap=True)
    if not settings.slack_webhook_url:
        console.print("No SLACK_WEBHOOK_URL is set: they stay pending. `make slack` shows them again.")


def _count_without_message(settings: Settings, began: datetime) -> int:
    """Count the new activities that are owed a message and have none yet; those of the simulator are all valid."""
    with connect(settings) as connection:
        row = connection.execute(
            """
            SELECT count(*) FROM public.strava_activities activity
            WHERE created_at >= %s AND NOT private
              AND NOT EXISTS (SELECT FROM ops.slack_outbox said WHERE said.activity_id = activity.activity_id)
            """,
            [began],
        ).fetchone()
    return int(row[0]) if row else 0
