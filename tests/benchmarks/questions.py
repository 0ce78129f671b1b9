"""How long the figures of another day, by other rules or of everybody anew take, and one person's reasons."""

from collections.abc import Iterator

from benchmarks.jobs import REFRESH, ran
from benchmarks.lines import Line
from benchmarks.system import System
from lakehouse.clock import today
from lakehouse.local.service import job

SECTION = "questions"


def measure(it: System, size: int, employee: int) -> Iterator[Line]:
    """Give the lines of one size: each a process of its own, from its start to its exit, nothing being new."""
    day = today().isoformat()
    commands = {
        "every figure anew (--full)": (*REFRESH, "--full"),
        "as of a day (--as-of)": (*REFRESH, "--as-of", day),
        "another rate (--scenario)": (*REFRESH, "--scenario", "taux6", "--bonus-rate", "0.06"),
        "nine rates (--sweep)": (*REFRESH, "--sweep", "bonus_rate=0.04:0.08:0.005"),
        "one person's reasons": job("expliquer.py", "--employee", str(employee)),
    }
    for name, command in commands.items():
        yield Line(SECTION, f"{name} at {size:,}", "s", ours=ran(it, it.settings, *command).seconds)
