"""The highest rate of changes at which Bronze does not fall behind while everything runs, and its lag over minutes."""

import time
from collections.abc import Generator
from dataclasses import dataclass

from benchmarks.lines import Line
from benchmarks.load import load
from benchmarks.options import Options
from benchmarks.probes import bronze
from benchmarks.samples import is_steady, middle_and_end, rate
from benchmarks.system import Say, System, system
from benchmarks.watching import bronze_end, commits
from lakehouse.waiting import wait_until

SECTION = "sustained"
SHORT = 0.95  # of its rate that a load has to make, else the machine has no more
DRAINS = 1_200.0  # seconds


@dataclass(frozen=True)
class Held:
    """A rate held for a while: what was made of it, changes a second, and the lag, second by second, in changes."""

    wanted: float
    made: float
    lags: list[int]

    @property
    def steady(self) -> bool:
        return self.made >= SHORT * self.wanted and is_steady(self.lags, self.wanted)

    def __str__(self) -> str:
        middle, end = middle_and_end(self.lags)
        return (
            f"{self.made:,.0f} of {self.wanted:,.0f} a second: lag {middle:,.0f} in the middle, {end:,.0f} at the end"
        )


def measure(options: Options, say: Say) -> Generator[Line, None, None]:
    """Give the lines, of a stack of its own."""
    with system(say) as it:
        it.stack.up()
        it.load_company()
        hold(it, options.rates[0], options.step)  # a JVM that has just started is slower
        it.drain(DRAINS)
        highest = None
        for wanted in options.rates:
            held = hold(it, wanted, options.step)
            say(str(held))
            it.drain(DRAINS)
            if not held.steady:
                break
            highest = wanted
        yield Line(SECTION, "highest steady rate", "changes/s", ours=highest or 0, target=3_000, more=True)
        if highest:
            held = hold(it, highest, options.sustained)
            say(str(held))
            yield Line(SECTION, f"made over {options.sustained:.0f} s", "changes/s", ours=held.made, more=True)
            middle, end = middle_and_end(held.lags)
            yield Line(SECTION, "lag in the middle", "changes", ours=middle)
            yield Line(SECTION, "lag at the end", "changes", ours=end)


def hold(it: System, per_second: float, seconds: float) -> Held:
    """Have changes made at a rate for some seconds, and see each second how many of them Bronze has not."""
    before, lags = bronze_end(it.settings), list[int]()
    with commits(bronze(it.settings)) as seen, load(it, per_second) as going_on:
        wait_until(lambda: going_on.count, timeout=30, missing="the load")
        ends = time.monotonic() + seconds

        def is_over() -> bool:
            lags.append(going_on.count - ((seen[-1].rows if seen else before) - before))
            return time.monotonic() >= ends

        wait_until(is_over, timeout=seconds + 60, missing="the end of the time", every=1.0)
        return Held(per_second, rate(going_on.written), lags)
