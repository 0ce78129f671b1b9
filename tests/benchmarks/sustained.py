"""The highest rate of changes at which Bronze does not fall behind while everything runs, and its lag over minutes."""

import time
from collections.abc import Generator
from dataclasses import dataclass

from benchmarks.load import start_load
from benchmarks.measurements import Measurement
from benchmarks.observers import bronze_end_offset, observe_commits
from benchmarks.options import Options
from benchmarks.probes import bronze_path
from benchmarks.samples import is_steady, middle_and_end, rate
from benchmarks.system import BenchmarkSystem, Log, start_system
from lakehouse.retries import wait_until

SECTION = "sustained"
MIN_RATE_SHARE = 0.95  # of its rate that a load has to make, else the machine has no more
DRAIN_TIMEOUT = 1_200.0  # seconds


@dataclass(frozen=True)
class RateResult:
    """A rate held for a while: what was made of it, changes a second, and the lag, second by second, in changes."""

    target_rate: float
    actual_rate: float
    lags: list[int]

    @property
    def keeps_up(self) -> bool:
        return self.actual_rate >= MIN_RATE_SHARE * self.target_rate and is_steady(self.lags, self.target_rate)

    def __str__(self) -> str:
        middle, end = middle_and_end(self.lags)
        return f"{self.actual_rate:,.0f} of {self.target_rate:,.0f} a second: lag {middle:,.0f} in the middle, {end:,.0f} at the end"


def measure(options: Options, log: Log) -> Generator[Measurement, None, None]:
    """Give the lines, of a stack of its own."""
    with start_system(log) as system:
        system.stack.up()
        system.load_company()
        hold_rate(system, options.rates[0], options.step)  # a JVM that has just started is slower
        system.drain(DRAIN_TIMEOUT)
        highest = None
        for target_rate in options.rates:
            result = hold_rate(system, target_rate, options.step)
            log(str(result))
            system.drain(DRAIN_TIMEOUT)
            if not result.keeps_up:
                break
            highest = target_rate
        yield Measurement(SECTION, "highest steady rate", "changes/s", ours=highest or 0, target=3_000, more=True)
        if highest:
            result = hold_rate(system, highest, options.sustained)
            log(str(result))
            yield Measurement(
                SECTION, f"made over {options.sustained:.0f} s", "changes/s", ours=result.actual_rate, more=True
            )
            middle, end = middle_and_end(result.lags)
            yield Measurement(SECTION, "lag in the middle", "changes", ours=middle)
            yield Measurement(SECTION, "lag at the end", "changes", ours=end)


def hold_rate(system: BenchmarkSystem, per_second: float, seconds: float) -> RateResult:
    """Have changes made at a rate for some seconds, and see each second how many of them Bronze has not."""
    initial_offset, lags = bronze_end_offset(system.settings), list[int]()
    with (
        observe_commits(bronze_path(system.settings)) as bronze_samples,
        start_load(system, per_second) as running_load,
    ):
        wait_until(lambda: running_load.count, timeout=30, missing="the load")
        deadline = time.monotonic() + seconds

        def is_over() -> bool:
            lags.append(
                running_load.count - ((bronze_samples[-1].rows if bronze_samples else initial_offset) - initial_offset)
            )
            return time.monotonic() >= deadline

        wait_until(is_over, timeout=seconds + 60, missing="the end of the time", interval=1.0)
        return RateResult(per_second, rate(running_load.samples), lags)
