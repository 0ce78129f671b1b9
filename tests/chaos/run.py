"""Kill, freeze and starve at random what the system is made of, at work; see that nothing is lost or doubled.

Once what was struck is ready again, everything has to be back in time, and a new change in Bronze. The last
line counts; the exit code is 1 where a row or a message was lost, a row doubled, a figure wrong or seen in part, or
something did not come back.
"""

import argparse
import logging
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from random import Random

from chaos.blows import Blow, strike
from chaos.commit_watcher import CommitWatcher
from chaos.cpu_load import busy_cores
from chaos.deaths import Deaths
from chaos.evidence import preserve_evidence
from chaos.judge import Verdict, judge
from chaos.life import Life
from chaos.messages import unsent
from chaos.recovery import back
from chaos.system import System, at_work, in_own_mounts
from lakehouse import errors
from lakehouse.cdc.catalog import Catalog
from lakehouse.cdc.session import session
from lakehouse.contracts import CAPTURED
from lakehouse.errors import LakehouseError
from lakehouse.settings import ROOT
from lakehouse.waiting import wait_until

LONGEST_REFRESH = 600.0  # seconds
BETWEEN = (0.5, 2.0)  # seconds between all being back and the next blow
SHOWN = 40  # lines
# What a flow says where a commit of its own is not what it was told.
LOST_COMMIT = ("the one to follow is", "another writer has overwritten it", "were to be written")
say = partial(print, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, epilog="example: make chaos SEED=1 MINUTES=5")
    parser.add_argument("--seed", type=int, default=1, help="of the work, the blows and Slack's moods (default: 1)")
    parser.add_argument("--minutes", type=float, default=5.0, help="how long blows are dealt (default: 5)")
    parser.add_argument("--within", type=float, default=60.0, help="seconds in which all has to be back (default: 60)")
    parser.add_argument("--busy", action="store_true", help="keep every core busy beside it all, niced")
    parser.add_argument("--keep", action="store_true", help="keep the lake and the topics also where all is well")
    options = parser.parse_args()
    in_own_mounts()
    # Ended in any way, it takes down what it started; a shell has what it starts in the background ignore Ctrl-C.
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, signal.default_int_handler)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    folder = ROOT / ".local" / "chaos" / f"seed-{options.seed}"
    with (
        at_work(options.seed, say) as system,
        busy_cores() if options.busy else nullcontext(),
        preserve_evidence(system, folder, say, always=options.keep),
        CommitWatcher(Path(system.settings.lake)).watching() as commits,
    ):
        if not system.small_disk:
            say("no small disk can be made here: the lake's disk is not filled", file=sys.stderr)
        life = Life(system, options.seed)
        blows = storm(system, life, Random(options.seed), options.minutes * 60, options.within)
        verdict = settled(system, life)
        tell(blows, life, verdict)
        report_details(verdict, folder / "details.txt")
        found = [*life.reader.wrong, *commits.problems(), *_mended(system), *verdict.differences]
        if found := [*found, *_unlikely(system, life, blows, verdict)]:
            raise LakehouseError("\n".join(found[:SHOWN]))
        if not verdict.holds:
            raise LakehouseError("rows or messages were lost, or rows doubled.")


def storm(system: System, life: Life, rng: Random, seconds: float, within: float) -> list[Blow]:
    """Once there are figures, strike until the time is over, each time waiting until all is back; give the blows.

    A refresh is spared until one has ended, well or killed: one that is struck each time would never merge.
    """
    blows: list[Blow] = []
    through = 0
    deaths = Deaths(system.armed, rng, system.small_disk)
    with life.goes_on():
        wait_until(lambda: life.refresh.ended[0], timeout=LONGEST_REFRESH, missing="the first refresh")
        until = time.monotonic() + seconds
        deaths.arm()
        while time.monotonic() < until:
            time.sleep(rng.uniform(*BETWEEN))  # the pace of disaster
            sparing, through = life.refreshed == through, life.refreshed
            for deal in (deaths.look, partial(strike, rng, system, life.jobs, sparing=sparing)):
                if blow := deal():
                    blows.append(blow)
                    say(f"{len(blows):>4} {blow.what}: {back(system, blow, within)}")
        system.armed.unlink(missing_ok=True)
    return blows


def settled(system: System, life: Life) -> Verdict:
    """Let everything that is owed come through, have each job end well once more, and judge."""
    say("the storm is over: waiting for what is owed to Slack, for a refresh and for maintenance; then comparing")
    wait_until(lambda: unsent(system.settings) == 0, timeout=900, missing=lambda: f"{unsent(system.settings)} messages")
    for job in (life.refresh, life.maintenance):
        if code := job.once():
            raise LakehouseError(f"{job.script} ends with {code} when the storm is over.")
    with session(system.settings, "refresh") as spark:
        return judge(system, spark)


def _unlikely(system: System, life: Life, blows: Sequence[Blow], verdict: Verdict) -> Iterator[str]:
    """Say what speaks against the run itself: nobody read, or messages were doubled that no death explains."""
    if not life.reader.done["whole"]:
        yield "nobody could read the figures over Thrift."
    explained = system.slack.hung_up + sum("slack-notifier" in blow.struck for blow in blows)
    if verdict.messages_doubled > explained:
        yield f"{verdict.messages_doubled} messages doubled, of which {explained} are explained."


def _mended(system: System) -> Iterator[str]:
    """Name the gaps that the system filled by itself, and the batches that it refused: each was a lost commit."""
    catalog = Catalog(system.settings.lake)
    for contract in CAPTURED:
        if refills := catalog.refills(contract):
            yield f"bronze/{contract.table} had gaps, which were filled in {refills} commits."
    for log in sorted(system.stack.logs.glob("stream-processor.log*")):
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
            if any(sign in line for sign in LOST_COMMIT):
                yield f"{log.name}: {line.strip()[:300]}"


def tell(blows: Sequence[Blow], life: Life, verdict: Verdict) -> None:
    wrote, read = life.work.done, life.reader.done
    say(f"{life.refresh}; {life.continuous_maintenance}")
    say(
        f"{wrote['activities']} activities and {wrote['statements']} other statements, {wrote['interruptions']} times "
        f"interrupted; the figures read {read['whole']} times whole, {len(life.reader.wrong)} times not, "
        f"{read['empty']} times before the first refresh, {read['no server']} times nobody answered"
    )
    say(
        f"{sum(blow.kills for blow in blows)} kills in {len(blows)} blows, {verdict.changes} changes: "
        f"{verdict.rows_lost} rows lost, {verdict.rows_doubled} doubled, {len(verdict.differences)} differences; "
        f"{verdict.messages} messages: {verdict.messages_lost} lost, {verdict.messages_doubled} doubled"
    )


def report_details(verdict: Verdict, file: Path) -> None:
    """Print the first lines about rows that were lost or doubled, and write all of them into the file."""
    if verdict.details:
        file.write_text("\n".join(verdict.details) + "\n", encoding="utf-8")
        say("\n".join(verdict.details[:SHOWN]))
        say(f"{len(verdict.details)} lines of it are in {file}")


if __name__ == "__main__":
    errors.run(main)
