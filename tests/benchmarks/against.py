"""A paired comparison of this checkout with another commit: medians, their spread, and the change of each line."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from rich.table import Table

from benchmarks.checkouts import (
    BENCH_FOLDER,
    check_out,
    clean_variables,
    resolve_commit,
    run_in,
    run_or_fail,
    share_installation,
)
from benchmarks.measurements import Key, Measurement, format_value
from benchmarks.report import read_results
from lakehouse.errors import LakehouseError
from lakehouse.settings import ROOT

THIS_CHECKOUT, OTHER_COMMIT = "this checkout", "the other commit"
RESULTS_NAME = Path(".local") / "bench.json"
Results = Mapping[Key, Measurement]


class Spread(NamedTuple):
    """The median of some figures, and the least and the largest of them."""

    median: float
    least: float
    largest: float

    def __str__(self) -> str:
        return f"{format_value(self.median)} ({format_value(self.least)}–{format_value(self.largest)})"


@dataclass(frozen=True)
class Comparison:
    """A line of both commits: their spreads, and the median of the rounds' changes. None: not measured."""

    section: str
    name: str
    unit: str
    more: bool
    this: Spread | None
    other: Spread | None
    change: float | None

    @property
    def verdict(self) -> str:
        """What the change is, beyond the spread of both; `within the spread` where their ranges overlap."""
        if not self.this or not self.other or self.change is None:
            return "-"
        if self.this.least <= self.other.largest and self.other.least <= self.this.largest:
            return "within the spread"
        return "better" if (self.change > 0) is self.more else "worse"


def run_order(rounds: int) -> list[tuple[int, str]]:
    """Return which side runs when, by round: in turn, so that both have the machine's good and bad minutes."""
    return [(number, side) for number in range(rounds) for side in (THIS_CHECKOUT, OTHER_COMMIT)]


def measure_alternately(
    rounds: int, run_side: Callable[[str], Results], log: Callable[[str], None]
) -> dict[str, list[Results]]:
    """Return the results of each side, in the order of its rounds."""
    results: dict[str, list[Results]] = {THIS_CHECKOUT: [], OTHER_COMMIT: []}
    for number, side in run_order(rounds):
        log(f"round {number + 1} of {rounds}: {side}")
        results[side].append(run_side(side))
    return results


def compare(results: Mapping[str, Sequence[Results]]) -> list[Comparison]:
    """Return each line that either side measured, in order of first appearance."""
    keys = {key: line for side in results.values() for lines in side for key, line in lines.items()}
    return [_compare(line, [[_figure(lines.get(key)) for lines in side] for side in results.values()])
            for key, line in keys.items()]  # fmt: skip


def to_spread(figures: Sequence[float | None]) -> Spread | None:
    """Return the spread of the figures that were measured, or None where none was."""
    measured = [figure for figure in figures if figure is not None]
    return Spread(median(measured), min(measured), max(measured)) if measured else None


def render_table(lines: Sequence[Comparison], commit: str) -> Table:
    """Return a table of the comparisons: each side's median, with its least and largest figure."""
    columns = ("name", THIS_CHECKOUT, commit, "change", "verdict")
    rendered = Table(*columns, title=f"make bench AGAINST={commit}", title_justify="left")
    section = ""
    for line in lines:
        if line.section != section:
            section = line.section
            rendered.add_section()
            rendered.add_row(f"[bold]{section}")
        change = "-" if line.change is None else f"{line.change:+.0%}"
        rendered.add_row(
            f"{line.name}, {line.unit}", str(line.this or "-"), str(line.other or "-"), change, line.verdict
        )
    return rendered


def run_against(name: str, rounds: int, arguments: Sequence[str], log: Callable[[str], None]) -> Table:
    """Measure both commits in turn, write the comparison to .local/bench-against.json, and return its table."""
    commit = resolve_commit(name)
    folder, variables = check_out(commit, BENCH_FOLDER / commit[:12]), clean_variables()
    share_installation(folder)
    log(f"installing {commit[:7]} in {folder}")
    python = str(Path(".venv") / "bin" / "python")
    for command in (("make", "install"), (python, "-m", "lakehouse.local", "classes")):
        run_or_fail(folder, *command, variables=variables, log=BENCH_FOLDER / "against.log")

    def run_side(side: str) -> Results:
        home = ROOT if side == THIS_CHECKOUT else folder
        (home / RESULTS_NAME).unlink(missing_ok=True)
        command = (str(home / python), "-m", "benchmarks.run", *arguments)
        if code := run_in(home, *command, variables={**variables, "PYTHONPATH": str(home / "tests")}):
            log(f"{side}: ended with {code}; what it measured counts")
        if not (home / RESULTS_NAME).exists():
            raise LakehouseError(f"the benchmark of {side} in {home} wrote no {RESULTS_NAME}; its output is above.")
        return read_results(home / RESULTS_NAME)

    lines = compare(measure_alternately(rounds, run_side, log))
    write_comparison(ROOT / ".local" / "bench-against.json", {"against": commit, "rounds": rounds}, lines)
    return render_table(lines, commit[:7])


def write_comparison(path: Path, environment: Mapping[str, Any], lines: Sequence[Comparison]) -> None:
    """Write the comparisons as JSON, with what they were measured with."""
    rows = [{**asdict(line), "verdict": line.verdict} for line in lines]
    text = json.dumps({**environment, "lines": rows}, indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def _compare(line: Measurement, figures: Sequence[Sequence[float | None]]) -> Comparison:
    this, other = figures
    changes = [ours / theirs - 1 for ours, theirs in zip(this, other, strict=True) if ours is not None and theirs]
    change = median(changes) if changes else None
    return Comparison(line.section, line.name, line.unit, line.more, to_spread(this), to_spread(other), change)


def _figure(line: Measurement | None) -> float | None:
    """Return what a line measured: our figure, or the limit's where there is no other."""
    return None if line is None else line.ours if line.ours is not None else line.limit
