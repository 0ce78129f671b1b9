"""A load at a steady rate, as a process of its own: -m benchmarks.load --rate 500; says how much it made as it goes."""

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
from lakehouse.source.postgres import connect

COMMITS_PER_SECOND = 50  # commits at most


@dataclass
class Load:
    """A load that goes on, and how many changes it had committed when."""

    process: "Popen[str]"
    samples: list[Sample] = field(default_factory=lambda: [Sample(time.time(), 0)])

    @property
    def count(self) -> int:
        """How many changes are committed."""
        if self.process.poll():
            raise LakehouseError(f"the load ended with {self.process.returncode}; see bench.log")
        return self.samples[-1].rows

    def listen(self, output: IO[str]) -> None:
        for line in output:
            self.samples.append(Sample(time.time(), int(line)))


@contextmanager
def start_load(system: BenchmarkSystem, per_second: float) -> Iterator[Load]:
    """Have so many changes a second made, of rows of their own."""
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
    with connect(Settings(), autocommit=True) as conn:
        changes = Changes(athlete_ids(conn), first_id=options.first)
        rows, committed, started_at = max(1.0, options.rate / COMMITS_PER_SECOND), 0, time.monotonic()
        while not stop.is_set():
            committed += changes.commit(conn, round(rows))
            print(committed, flush=True)
            stop.wait(max(0.0, started_at + committed / options.rate - time.monotonic()))


if __name__ == "__main__":
    run(main)
