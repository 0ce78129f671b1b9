"""The end of a run: its problems, its summary and the details of its findings."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from chaos.background_load import BackgroundLoad
from chaos.checker import Verdict
from chaos.commit_watcher import CommitWatcher
from chaos.faults import Fault
from chaos.outages import describe_impossible
from chaos.reports import find_alarms
from chaos.system_under_test import SystemUnderTest
from lakehouse.cdc import commit_log
from lakehouse.cdc.table_store import TableStore
from lakehouse.contracts import CAPTURED
from support.system import Log

MAX_LINES_SHOWN = 40  # lines
# Parts of the stream's error messages where a commit of its own was lost or overwritten.
LOST_COMMIT_MESSAGES = ("the one to follow is", "another writer has overwritten it", "were to be written")


@contextmanager
def last_lines(log: Log) -> Iterator[list[str]]:
    """Yield a list whose lines are printed when the block ends, after all that is printed inside it."""
    lines: list[str] = []
    try:
        yield lines
    finally:
        for line in lines:
            log(line)


def find_problems(
    system: SystemUnderTest,
    background_load: BackgroundLoad,
    commit_watcher: CommitWatcher,
    faults: Sequence[Fault],
    verdict: Verdict,
) -> list[str]:
    """Return the problems of a run: wrong figures, lost commits, false alarms, and those of the run itself."""
    return [
        *background_load.reader.anomalies,
        *commit_watcher.problems(),
        *self_repairs(system),
        *(f"false alarm of {alarm}" for alarm in find_alarms(system.stack.logs)),
        *verdict.differences,
        *_harness_problems(system, background_load, faults, verdict),
    ]


def self_repairs(system: SystemUnderTest) -> Iterator[str]:
    """Yield the gaps that the system refilled and the batches that it refused: each stands for a lost commit."""
    store = TableStore(system.settings.lake)
    for contract in CAPTURED:
        if refills := commit_log.refill_count(store, contract):
            yield f"bronze/{contract.table} had gaps, which were refilled in {refills} commits."
    for log_file in sorted(system.stack.logs.glob("stream-processor.log*")):
        for line in log_file.read_text(encoding="utf-8", errors="replace").splitlines():
            if any(message in line for message in LOST_COMMIT_MESSAGES):
                yield f"{log_file.name}: {line.strip()[:300]}"


def describe_load(background_load: BackgroundLoad) -> Iterator[str]:
    """Yield what the load did: its jobs' exit codes, what was written and what was read."""
    written, reader = background_load.writer.counts, background_load.reader
    yield f"{background_load.refresh}; {background_load.continuous_maintenance}"
    yield (
        f"{written['activities']} activities and {written['statements']} other statements, "
        f"{written['interruptions']} interruptions; figures read: {reader.outcomes['complete']} times complete, "
        f"{len(reader.anomalies)} anomalies, {reader.outcomes['empty']} times empty before the first refresh, "
        f"{reader.outcomes['unreachable']} times unreachable"
    )


def describe_verdict(system: SystemUnderTest, faults: Sequence[Fault], verdict: Verdict) -> str:
    """Return the last line of a run: its counts, and the faults that this machine cannot make."""
    return (
        f"{sum(fault.kills for fault in faults)} kills in {len(faults)} faults, {verdict.changes} changes: "
        f"{verdict.rows_lost} rows lost, {verdict.rows_doubled} duplicated, {len(verdict.differences)} differences; "
        f"{verdict.messages} messages: {verdict.messages_lost} lost, {verdict.messages_doubled} duplicated"
        f"{describe_missing_faults(system)}"
    )


def describe_missing_faults(system: SystemUnderTest) -> str:
    """Return the end of the last line: the faults that this machine cannot make; empty where it can make all."""
    impossible = describe_impossible(system)
    return f"; not injected, as this machine cannot: {', '.join(impossible)}" if impossible else ""


def write_details(verdict: Verdict, file: Path, log: Log) -> None:
    """Write the verdict's details to the file, and print the first 40 lines; write nothing where there are none."""
    if verdict.details:
        file.write_text("\n".join(verdict.details) + "\n", encoding="utf-8")
        log("\n".join(verdict.details[:MAX_LINES_SHOWN]))
        log(f"all {len(verdict.details)} lines are in {file}")


def _harness_problems(
    system: SystemUnderTest, background_load: BackgroundLoad, faults: Sequence[Fault], verdict: Verdict
) -> Iterator[str]:
    """Yield the problems of the run itself: no complete read, or duplicate messages that no fault explains."""
    if not background_load.reader.outcomes["complete"]:
        yield "no query over Thrift returned the complete figures."
    explained = system.flaky.dropped_connections + sum("slack-notifier" in fault.targets for fault in faults)
    if verdict.messages_doubled > explained:
        yield f"{verdict.messages_doubled} messages duplicated, of which {explained} are explained by faults."
