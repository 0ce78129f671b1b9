"""The durations of jobs run on demand: a full recompute, another day, other rules, one employee's explanation."""

from collections.abc import Iterator

from benchmarks.jobs import REFRESH_COMMAND, run_timed
from benchmarks.measurements import Measurement
from benchmarks.system import BenchmarkSystem
from lakehouse.clock import today
from lakehouse.local.service import job_command

ON_DEMAND_SECTION = "on-demand"


def measure(system: BenchmarkSystem, size: int, employee: int) -> Iterator[Measurement]:
    """Yield the seconds of each job at one size, from start to exit, without new changes."""
    day = today().isoformat()
    commands = {
        "full recompute (--full-refresh)": (*REFRESH_COMMAND, "--full-refresh"),
        "as of a day (--as-of)": (*REFRESH_COMMAND, "--as-of", day),
        "another rate (--scenario)": (*REFRESH_COMMAND, "--scenario", "taux6", "--bonus-rate", "0.06"),
        "nine rates (--sweep)": (*REFRESH_COMMAND, "--sweep", "bonus_rate=0.04:0.08:0.005"),
        "one person's reasons": job_command("explain_employee.py", "--employee", str(employee)),
    }
    for name, command in commands.items():
        yield Measurement(
            ON_DEMAND_SECTION, f"{name} at {size:,}", "s", ours=run_timed(system, system.settings, *command).seconds
        )
