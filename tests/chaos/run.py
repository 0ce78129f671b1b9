"""Inject faults at random into the running system, and check that nothing is lost or duplicated.

After each fault the system has to recover in time, which includes a new change reaching Bronze.
The last line counts what was lost and duplicated, and names the faults that this machine cannot make.
The exit code is 1 after a lost row or message, a duplicate, a wrong figure or a false alarm.
It is 1 after a failed recovery too.
With --plant a fault is planted in the lake. The exit code is then 1 unless the system's own checkers report it.
"""

import argparse
import signal
import subprocess
import sys
from contextlib import nullcontext
from functools import partial
from pathlib import Path

from chaos.background_load import BackgroundLoad
from chaos.checker import Verdict, check_system
from chaos.commit_watcher import CommitWatcher
from chaos.cpu_load import busy_cores
from chaos.evidence import preserve_evidence
from chaos.nemesis import Nemesis
from chaos.planter import Planter
from chaos.planting import PLANTS
from chaos.slack_checker import count_unsent
from chaos.small_disks import enter_mount_namespace
from chaos.summary import (
    MAX_LINES_SHOWN,
    describe_load,
    describe_missing_faults,
    describe_verdict,
    find_problems,
    last_lines,
    write_details,
)
from chaos.system_under_test import SystemUnderTest, start_system
from lakehouse import errors
from lakehouse.errors import LakehouseError
from lakehouse.retries import first_line, wait_until
from lakehouse.settings import ROOT
from lakehouse.spark.session import session
from support.timing import seconds

MESSAGES_TIMEOUT = seconds(900)
ALL_PLANTS = "all"
log = partial(print, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, epilog="example: make chaos SEED=1 MINUTES=5")
    parser.add_argument(
        "--seed", type=int, default=1, help="of the workload, the faults and Slack's failures (default: 1)"
    )
    parser.add_argument("--minutes", type=float, default=5.0, help="how long faults are injected (default: 5)")
    parser.add_argument("--within", type=float, default=60.0, help="seconds that a recovery may take (default: 60)")
    parser.add_argument("--busy", action="store_true", help="also keep every core busy with niced processes")
    parser.add_argument(
        "--keep", action="store_true", help="copy the lake and the topics also where no problem was found"
    )
    parser.add_argument(
        "--plant",
        choices=[*PLANTS, ALL_PLANTS],
        help="plant this fault in the lake, and fail unless it is reported; all: one run for each",
    )
    options = parser.parse_args()
    if options.plant != ALL_PLANTS:  # of each of its runs
        enter_mount_namespace()
    # Clean up on every signal. A shell sets SIGINT to be ignored in background jobs, so the handler is set again.
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_number, signal.default_int_handler)
    if options.plant == ALL_PLANTS:
        run_plants()
    elif options.plant:
        run_plant(options, options.plant)
    else:
        run_faults(options)


def run_faults(options: argparse.Namespace) -> None:
    """Inject faults into a new system, and check it. Raises LakehouseError with the first 40 problems."""
    folder = ROOT / ".local" / "chaos" / f"seed-{options.seed}"
    with (
        last_lines(log) as lines,
        start_system(options.seed, log) as system,
        busy_cores() if options.busy else nullcontext(),
        preserve_evidence(system, folder, log, always=options.keep),
        CommitWatcher(Path(system.settings.lake)).watch() as commit_watcher,
    ):
        lines[:] = [f"the run ended before its comparison{describe_missing_faults(system)}"]
        background_load = BackgroundLoad(system, options.seed)
        nemesis = Nemesis(system, background_load, options.seed, options.minutes * 60, options.within, log)
        faults = nemesis.run()
        verdict = settle_and_check(system, background_load)
        for line in describe_load(background_load):
            log(line)
        lines[:] = [describe_verdict(system, faults, verdict)]
        write_details(verdict, folder / "details.txt", log)
        if problems := find_problems(system, background_load, commit_watcher, faults, verdict):
            raise LakehouseError("\n".join(problems[:MAX_LINES_SHOWN]))
        if not verdict.is_valid:
            raise LakehouseError("rows or messages were lost, or rows duplicated.")


def settle_and_check(system: SystemUnderTest, background_load: BackgroundLoad) -> Verdict:
    """Wait until all due messages are sent, run a refresh and maintenance once more, and check the system.

    Raises LakehouseError where one of the two jobs fails.
    """
    log("faults ended: waiting for the pending Slack messages, a refresh and maintenance; then comparing")
    wait_until(
        lambda: count_unsent(system.settings) == 0,
        timeout=MESSAGES_TIMEOUT,
        missing=lambda: f"{count_unsent(system.settings)} messages",
    )
    for job in (background_load.refresh, background_load.maintenance):
        if code := job.run_once():
            raise LakehouseError(f"{job.script} ended with {code} after the faults.")
    with session(system.settings, "refresh") as spark:
        return check_system(system, spark)


def run_plants() -> None:
    """Run once for each planted fault, whatever became of the others. Raises LakehouseError with those not reported.

    Each run has a process of its own: Java's home and Spark's settings stay in the process of a session.
    """
    missed = [plant for plant in PLANTS if run_alone(plant)]
    log(f"{len(PLANTS) - len(missed)} of {len(PLANTS)} planted faults were reported")
    if missed:
        raise LakehouseError(f"not reported: {', '.join(missed)}. The reasons stand above.")


def run_alone(plant: str) -> int:
    """Return the exit code of the run of one plant; a signal ends the run, whose clean-up is awaited."""
    command = [sys.executable, "-m", "chaos.run", *sys.argv[1:], "--plant", plant]
    with subprocess.Popen(command, start_new_session=True) as process:  # which gets no Ctrl-C of its own beside ours
        try:
            return process.wait()
        except KeyboardInterrupt:
            process.terminate()
            process.wait()
            raise


def run_plant(options: argparse.Namespace, plant: str) -> None:
    """Plant a fault in a new system, halfway through the faults of a run, and check that it is reported.

    Raises LakehouseError where the fault is not reported. A system that does not recover from it was stopped by it.
    """
    log(f"planting: {plant}")
    with (
        start_system(options.seed, log) as system,
        busy_cores() if options.busy else nullcontext(),
        preserve_evidence(system, ROOT / ".local" / "chaos" / f"plant-{plant}", log, always=options.keep),
    ):
        background_load, duration = BackgroundLoad(system, options.seed), options.minutes * 60
        planter = Planter(system, plant, duration / 2, log)
        try:
            Nemesis(system, background_load, options.seed, duration, options.within, log).run(planter.poll)
        except LakehouseError as error:
            if not planter.planted:
                raise
            log(f"the faults ended: {first_line(error)}")
        planter.check(background_load)


if __name__ == "__main__":
    errors.run(main)
