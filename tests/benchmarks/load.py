"""A load of changes at a steady rate: -m benchmarks.load --rate 500.

It prints the number of committed changes after each commit.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from subprocess import PIPE, Popen
from threading import Thread
from typing import IO

from benchmarks.changes import Changes, athlete_ids, id_blocks
from benchmarks.samples import Sample
from benchmarks.system import BenchmarkSystem
from lakehouse.errors import LakehouseError, run
from lakehouse.retries import StopSignal
from lakehouse.settings import Settings
from lakehouse.source.postgres import LONG_DEADLINE_S, connect

COMMITS_PER_SECOND = 50  # commits at most


@dataclass
class Load:
    """A running load, and samples of how many changes it has committed."""

    process: "Popen[str]"
    samples: list[Sample] = field(default_factory=lambda: [Sample(time.time(), 0)])

    @property
    def count(self) -> int:
        """The number of committed changes. Raises LakehouseError where the load has exited with an error."""
        if self.process.poll():
            raise LakehouseError(f"the load ended with {self.process.returncode}; see bench.log")
        return self.samples[-1].rows

    def listen(self, output: IO[str]) -> None:
        """Append a sample for each line that the load prints, until it exits."""
        for line in output:
            self.samples.append(Sample(time.time(), int(line)))


@contextmanager
def start_load(system: BenchmarkSystem, per_second: float) -> Iterator[Load]:
    """Run a load of `per_second` changes, on a block of ids of its own, until the block ends."""
    command = (sys.executable, "-m", "benchmarks.load", "--rate", str(per_second), "--first", str(next(id_blocks)))
    with system.start_process(system.settings, *command, stdout=PIPE) as process:
        running_load = Load(process)
        assert process.stdout
        Thread(target=running_load.listen, args=[process.stdout], daemon=True).start()
        yield running_load


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, epilog="example: python -m benchmarks.load --rate 500")
    parser.add_argument("--rate", type=float, required=True, help="changes a second")
    parser.add_argument("--first", type=int, required=True, help="the first activity's id")
    options = parser.parse_args()
    stop = StopSignal().on_sigterm()
    with connect(Settings(), autocommit=True, deadline=LONG_DEADLINE_S) as conn:
        changes = Changes(athlete_ids(conn), first_id=options.first)
        rows, committed, started_at = max(1.0, options.rate / COMMITS_PER_SECOND), 0, time.monotonic()
        while not stop.is_set():
            committed += changes.commit(conn, round(rows))
            print(committed, flush=True)
            stop.wait(max(0.0, started_at + committed / options.rate - time.monotonic()))


if __name__ == "__main__":
    run(main)
