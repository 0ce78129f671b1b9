"""The demo: the whole pipeline from HR's files to the figures, in timed steps."""

import subprocess
import sys
from datetime import datetime
from pathlib import Path
from shlex import quote

from rich.console import Console

from lakehouse.distance.cache import pending_requests
from lakehouse.distance.estimate import Estimate
from lakehouse.distance.google_routes import Google
from lakehouse.errors import LakehouseError
from lakehouse.hr.input_folder import is_without_tables
from lakehouse.local import demo_queries
from lakehouse.local.first_load import FirstLoad
from lakehouse.local.stack import Stack
from lakehouse.local.step_timer import StepTimer
from lakehouse.retries import wait_until
from lakehouse.settings import ROOT, Settings
from lakehouse.source.postgres import connect, db_now
from lakehouse.source.roles import as_loader

PIPELINE_SCRIPT = ("scripts/ETL_Full_Load/pipeline.py",)
REFRESH_SCRIPT = ("scripts/Jobs_Spark/batch_refresh_silver_gold.py",)
SIMULATE_SCRIPT = ("simulate_new_strava_activities.py", "--count", "20", "--delay", "0:0")
STEP_TIMEOUT_S = 60
NEXT_STEPS = """\
Everything stays up. To look at it:
  Power BI     Spark, server {address}, protocol Standard, Import, user admin, no password
  beeline      . .venv/bin/activate; export JAVA_HOME={java}
               beeline -u "jdbc:hive2://{address}" -n admin -e "SELECT * FROM gold.v_kpi;"
  the system   make status, make logs, make slack
To stop it:    make down (the data stays) or make reset (the data goes)
"""


def demo(stack: Stack) -> None:
    """Run the whole pipeline and leave the stack up. A second run works on the data that is there."""
    console, settings = Console(), as_loader(stack.settings)
    steps = StepTimer(console, stack.home, is_first=not stack.settings.postgres_data_dir.exists())
    with FirstLoad(load_command(stack.settings.input_dir), stack.environment) as load:
        with steps.step("Start the services, and load HR's files as soon as Postgres is ready"):
            stack.up(on_ready=load.start_if_possible)
        with steps.step("Load HR's files and, the first time, a year of activities"):
            load.wait()
    with steps.step("Find each distance from home to work"):
        _wait_for_distances(settings)
    with steps.step("Refresh Silver and Gold, once Bronze has every change"):
        _run_script(stack, *REFRESH_SCRIPT)
    with steps.step("Simulate 20 new activities"):
        began = _simulate(stack)
    with steps.step("See what Slack gets"):
        _show_messages(settings, began, console)
    with steps.step("Refresh again"):
        _run_script(stack, *REFRESH_SCRIPT)
    with steps.step("Read the figures over the Thrift server"):
        demo_queries.print_results(stack.settings, console)
    steps.print_times()
    address, java = f"{stack.settings.thrift_host}:{stack.settings.thrift_port}", quote(str(stack.settings.java_home))
    console.print(NEXT_STEPS.format(address=address, java=java), highlight=False, soft_wrap=True)


def load_command(input_dir: Path) -> tuple[str, ...]:
    """Return the command that loads HR's files; without any, a second demo keeps the first one's fictive company."""
    return (*PIPELINE_SCRIPT, "--if-not-live") if is_without_tables(input_dir) else PIPELINE_SCRIPT


def _run_script(stack: Stack, *arguments: str) -> None:
    """Run an entry point in a child process. Raises LakehouseError where it fails."""
    print(f"$ python {' '.join(arguments)}", flush=True)
    result = subprocess.run([sys.executable, *arguments], cwd=ROOT, env=stack.environment(), check=False)
    if result.returncode != 0:
        raise LakehouseError(f"`python {' '.join(arguments)}` ended with {result.returncode}; its output is above.")


def _wait_for_distances(settings: Settings) -> None:
    """Wait until the distance worker has tried every request once; it retries failed ones by itself."""
    provider = (Google if settings.api_key_maps else Estimate).name

    def are_all_attempted() -> bool:
        with connect(settings) as connection:
            return all(request.attempts for request in pending_requests(connection, provider))

    wait_until(are_all_attempted, timeout=STEP_TIMEOUT_S, missing="each distance; see .local/logs/distance-worker.log")


def _simulate(stack: Stack) -> datetime:
    """Simulate activities, and return the time on Postgres's clock just before."""
    with connect(as_loader(stack.settings)) as connection:
        began = db_now(connection)
    _run_script(stack, *SIMULATE_SCRIPT)
    return began


def _show_messages(settings: Settings, began: datetime, console: Console) -> None:
    wait_until(
        lambda: _count_without_message(settings, began) == 0,
        timeout=STEP_TIMEOUT_S,
        missing="each new activity's message; see .local/logs/slack-notifier.log",
    )
    with connect(settings) as connection:
        messages = connection.execute(
            "SELECT status, message FROM ops.slack_outbox WHERE enqueued_at >= %s ORDER BY enqueued_at, activity_id",
            [began],
        ).fetchall()
    for status, message in messages:
        console.print(f"{status:<10}{message}", markup=False, highlight=False, soft_wrap=True)
    if not settings.slack_webhook_url:
        console.print("No SLACK_WEBHOOK_URL is set: they stay pending. `make slack` shows them again.")


def _count_without_message(settings: Settings, began: datetime) -> int:
    """Count the new public activities that have no message yet; those of the simulator are all valid."""
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
