"""Inject faults at random into the running system, and check that nothing is lost or duplicated.

After each fault the system has to recover in time, which includes a new change reaching Bronze.
The last line counts what was lost and duplicated.
The exit code is 1 after a lost row or message, a duplicate, a wrong figure or a failed recovery.
"""

import argparse
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from random import Random

from chaos.background_load import BackgroundLoad
from chaos.checker import Verdict, check_system
from chaos.commit_watcher import CommitWatcher
from chaos.cpu_load import busy_cores
from chaos.evidence import preserve_evidence
from chaos.failpoint_schedule import FailpointSchedule
from chaos.faults import Fault, inject
from chaos.recovery import wait_until_recovered
from chaos.slack_checker import count_unsent
from chaos.system_under_test import SystemUnderTest, enter_mount_namespace, start_system
from lakehouse import errors
from lakehouse.cdc import commit_log
from lakehouse.cdc.table_store import TableStore
from lakehouse.contracts import CAPTURED
from lakehouse.errors import LakehouseError
from lakehouse.retries import wait_until
from lakehouse.settings import ROOT
from lakehouse.spark.session import session
from support.timing import seconds

REFRESH_TIMEOUT = seconds(600)
MESSAGES_TIMEOUT = seconds(900)
FAULT_INTERVAL = (0.5, 2.0)  # seconds between a recovery and the next fault
MAX_LINES_SHOWN = 40  # lines
# Parts of the stream's error messages where a commit of its own was lost or overwritten.
LOST_COMMIT_MESSAGES = ("the one to follow is", "another writer has overwritten it", "were to be written")
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
    options = parser.parse_args()
    enter_mount_namespace()
    # Clean up on every signal. A shell sets SIGINT to be ignored in background jobs, so the handler is set again.
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_number, signal.default_int_handler)
    folder = ROOT / ".local" / "chaos" / f"seed-{options.seed}"
    with (
        start_system(options.seed, log) as system,
        busy_cores() if options.busy else nullcontext(),
        preserve_evidence(system, folder, log, always=options.keep),
        CommitWatcher(Path(system.settings.lake)).watch() as commit_watcher,
    ):
        if not system.small_disk:
            log("a small disk cannot be mounted here: no disk-full fault is injected", file=sys.stderr)
        background_load = BackgroundLoad(system, options.seed)
        faults = run_nemesis(system, background_load, Random(options.seed), options.minutes * 60, options.within)
        verdict = settle_and_check(system, background_load)
        print_summary(faults, background_load, verdict)
        write_details(verdict, folder / "details.txt")
        problems = [
            *background_load.reader.anomalies,
            *commit_watcher.problems(),
            *_self_repairs(system),
            *verdict.differences,
        ]
        if problems := [*problems, *_harness_problems(system, background_load, faults, verdict)]:
            raise LakehouseError("\n".join(problems[:MAX_LINES_SHOWN]))
        if not verdict.is_valid:
            raise LakehouseError("rows or messages were lost, or rows duplicated.")


def run_nemesis(
    system: SystemUnderTest, background_load: BackgroundLoad, rng: Random, duration: float, timeout: float
) -> list[Fault]:
    """Inject faults for `duration` seconds, each after the recovery from the last; return the faults.

    They start after the first refresh. Refreshes are spared until one has ended, by itself or killed:
    a refresh that is hit each time would never merge.
    """
    faults: list[Fault] = []
    refreshes_before = 0
    schedule = FailpointSchedule(system.armed_file, rng, system.small_disk)
    with background_load.run_in_background():
        wait_until(lambda: background_load.refresh.exit_codes[0], timeout=REFRESH_TIMEOUT, missing="the first refresh")
        deadline = time.monotonic() + duration
        schedule.arm()
        while time.monotonic() < deadline:
            time.sleep(rng.uniform(*FAULT_INTERVAL))  # the interval between faults
            spare_refresh, refreshes_before = (
                background_load.refreshes_ended == refreshes_before,
                background_load.refreshes_ended,
            )
            for next_fault in (
                schedule.poll,
                partial(inject, rng, system, background_load.jobs, spare_refresh=spare_refresh),
            ):
                if fault := next_fault():
                    faults.append(fault)
                    log(f"{len(faults):>4} {fault.description}: {wait_until_recovered(system, fault, timeout)}")
        system.armed_file.unlink(missing_ok=True)
    return faults


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


def _harness_problems(
    system: SystemUnderTest, background_load: BackgroundLoad, faults: Sequence[Fault], verdict: Verdict
) -> Iterator[str]:
    """Yield the problems of the run itself: no complete read, or duplicate messages that no fault explains."""
    if not background_load.reader.outcomes["complete"]:
        yield "no query over Thrift returned the complete figures."
    explained = system.flaky.dropped_connections + sum("slack-notifier" in fault.targets for fault in faults)
    if verdict.messages_doubled > explained:
        yield f"{verdict.messages_doubled} messages duplicated, of which {explained} are explained by faults."


def _self_repairs(system: SystemUnderTest) -> Iterator[str]:
    """Yield the gaps that the system refilled and the batches that it refused: each stands for a lost commit."""
    store = TableStore(system.settings.lake)
    for contract in CAPTURED:
        if refills := commit_log.refill_count(store, contract):
            yield f"bronze/{contract.table} had gaps, which were refilled in {refills} commits."
    for log_file in sorted(system.stack.logs.glob("stream-processor.log*")):
        for line in log_file.read_text(encoding="utf-8", errors="replace").splitlines():
            if any(message in line for message in LOST_COMMIT_MESSAGES):
                yield f"{log_file.name}: {line.strip()[:300]}"


def print_summary(faults: Sequence[Fault], background_load: BackgroundLoad, verdict: Verdict) -> None:
    written, reader = background_load.writer.counts, background_load.reader
    log(f"{background_load.refresh}; {background_load.continuous_maintenance}")
    log(
        f"{written['activities']} activities and {written['statements']} other statements, "
        f"{written['interruptions']} interruptions; figures read: {reader.outcomes['complete']} times complete, "
        f"{len(reader.anomalies)} anomalies, {reader.outcomes['empty']} times empty before the first refresh, "
        f"{reader.outcomes['unreachable']} times unreachable"
    )
    log(
        f"{sum(fault.kills for fault in faults)} kills in {len(faults)} faults, {verdict.changes} changes: "
        f"{verdict.rows_lost} rows lost, {verdict.rows_doubled} duplicated, {len(verdict.differences)} differences; "
        f"{verdict.messages} messages: {verdict.messages_lost} lost, {verdict.messages_doubled} duplicated"
    )


def write_details(verdict: Verdict, file: Path) -> None:
    """Write the verdict's details to the file, and print the first 40 lines; write nothing where there are none."""
    if verdict.details:
        file.write_text("\n".join(verdict.details) + "\n", encoding="utf-8")
        log("\n".join(verdict.details[:MAX_LINES_SHOWN]))
        log(f"all {len(verdict.details)} lines are in {file}")


if __name__ == "__main__":
    errors.run(main)
