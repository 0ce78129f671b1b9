"""The highest rate of changes at which Bronze keeps up while all services run, and its lag over minutes."""

import time
from collections.abc import Generator
from dataclasses import dataclass

from benchmarks.load import start_load
from benchmarks.measurements import Measurement
from benchmarks.observers import bronze_end_offset, observe_commits
from benchmarks.options import Options
from benchmarks.probes import bronze_path
from benchmarks.samples import is_steady, middle_and_end, rate
from benchmarks.system import BenchmarkSystem, start_system
from lakehouse.retries import wait_until
from support.system import Log

SUSTAINED_SECTION = "sustained"
MIN_RATE_SHARE = 0.95  # share of its rate that a load has to reach; less means that the machine is saturated
LOAD_DRAIN_TIMEOUT = 1_200.0  # seconds


@dataclass(frozen=True)
class RateResult:
    """The result of a load: its target and actual rate (changes a second), and Bronze's lag each second (changes)."""

    target_rate: float
    actual_rate: float
    lags: list[int]

    @property
    def keeps_up(self) -> bool:
        """Whether the load reached its rate and Bronze's lag did not grow."""
        return self.actual_rate >= MIN_RATE_SHARE * self.target_rate and is_steady(self.lags, self.target_rate)

    def __str__(self) -> str:
        middle, end = middle_and_end(self.lags)
        rates = f"{self.actual_rate:,.0f} of {self.target_rate:,.0f} a second"
        return f"{rates}: lag {middle:,.0f} in the middle, {end:,.0f} at the end"


def measure(options: Options, log: Log) -> Generator[Measurement, None, None]:
    """Yield the measurements of the section, on a stack of its own."""
    with start_system(log) as system:
        system.stack.up()
        system.load_company()
        hold_rate(system, options.rates[0], options.step)  # warm-up: a JVM is slower right after its start
        system.drain(LOAD_DRAIN_TIMEOUT)
        highest = None
        for target_rate in options.rates:
            result = hold_rate(system, target_rate, options.step)
            log(str(result))
            system.drain(LOAD_DRAIN_TIMEOUT)
            if not result.keeps_up:
                break
            highest = target_rate
        yield Measurement(
            SUSTAINED_SECTION, "highest steady rate", "changes/s", ours=highest or 0, target=15_000, more=True
        )
        if highest:
            result = hold_rate(system, highest, options.sustained)
            log(str(result))
            yield Measurement(
                SUSTAINED_SECTION,
                f"made over {options.sustained:.0f} s",
                "changes/s",
                ours=result.actual_rate,
                more=True,
            )
            middle, end = middle_and_end(result.lags)
            yield Measurement(SUSTAINED_SECTION, "lag in the middle", "changes", ours=middle)
            yield Measurement(SUSTAINED_SECTION, "lag at the end", "changes", ours=end)


def hold_rate(system: BenchmarkSystem, per_second: float, seconds: float) -> RateResult:
    """Run a load at a rate for some seconds, and sample Bronze's lag each second."""
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

        wait_until(is_over, timeout=seconds + 60, missing="the end of the load", interval=1.0)
        return RateResult(per_second, rate(running_load.samples), lags)
