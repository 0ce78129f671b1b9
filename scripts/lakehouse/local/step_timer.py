"""The steps of the demo: each title as it begins, its seconds as it ends, and the durations of all."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from rich.console import Console
from rich.table import Table

from lakehouse.local.step_times import (
    AOT_CACHE,
    MIN_PRINTED_SECONDS,
    only_install_steps,
    read_times,
    record,
)


@dataclass
class StepTimer:
    """A timer of steps that also remembers them in `home`; `is_first` where the demo ran on no data before."""

    console: Console
    home: Path
    is_first: bool = False
    _times: dict[str, float] = field(default_factory=dict, init=False)

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Print the title, time the block, and print its seconds where they are over two."""
        self.console.rule(f"[bold]{title}", align="left")
        began = monotonic()
        yield
        seconds = monotonic() - began
        self._times[title] = seconds
        record(self.home, title, seconds)
        if seconds > MIN_PRINTED_SECONDS:
            self.console.print(f"{seconds:.1f} s", highlight=False)

    def print_times(self) -> None:
        """Print every step's duration, and their sum: of the first demo, from the clone on."""
        title = "From the clone to the figures" if self.is_first else "How long it took"
        table = Table("step", "seconds", title=title, title_justify="left")
        for step, seconds in sum_up(read_times(self.home) if self.is_first else {}, self._times).items():
            table.add_row(step, seconds)
        self.console.print(table)


def sum_up(recorded: Mapping[str, float], demo_steps: Mapping[str, float]) -> dict[str, str]:
    """Return the rows of the table: what `make install` recorded, the demo's steps, and the sum of both.

    The cache of Java's classes is built while other steps run, so that it is in no sum.
    """
    waited_for = {
        **{f"make install: {step}": seconds for step, seconds in only_install_steps(dict(recorded)).items()},
        **demo_steps,
    }
    rows = {step: f"{seconds:.1f}" for step, seconds in waited_for.items()}
    rows["all of it"] = f"{sum(waited_for.values()):.1f}"
    if AOT_CACHE in recorded:
        rows[f"{AOT_CACHE}, meanwhile"] = f"({recorded[AOT_CACHE]:.1f})"
    return rows
