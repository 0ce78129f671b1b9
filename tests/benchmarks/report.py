"""The report of a run: a table next to the baseline, and JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from rich.table import Table

from benchmarks.measurements import Key, Measurement, format_ratio, format_value

VERDICTS = {True: "yes", False: "no", None: "-"}
NOTABLE_CHANGE = 0.1  # share by which a figure has to change to be marked


def render_table(lines: Sequence[Measurement], baseline: Mapping[Key, Measurement]) -> Table:
    """Return a table of the measurements with their baseline; lines that only the baseline has are included."""
    columns = ("name", "ours", "plain", "limit", "ours / limit", "wanted", "within", "baseline")
    rendered = Table(*columns, title="make bench", title_justify="left")
    section = ""
    measured_keys = {line.key for line in lines}
    unmeasured = [_without_values(line) for key, line in baseline.items() if key not in measured_keys]
    for line in [*lines, *unmeasured]:
        if line.section != section:
            section = line.section
            rendered.add_section()
            rendered.add_row(f"[bold]{section}")
        ours_cell = {True: "[green]", False: "[red]", None: ""}[line.is_target_met] + format_value(line.ours, line.unit)
        rendered.add_row(
            line.name,
            ours_cell,
            format_value(line.plain),
            format_value(line.limit),
            format_ratio(line.ratio),
            format_target(line),
            VERDICTS[line.is_target_met],
            format_baseline(line, baseline),
        )
    return rendered


def format_baseline(line: Measurement, baseline: Mapping[Key, Measurement]) -> str:
    """Return a measurement's baseline as text, and its change where that is 10 % or more."""
    baseline_value = baseline[line.key].ours if line.key in baseline else None
    if baseline_value is None or line.ours is None or baseline_value == 0:
        return format_value(baseline_value)
    change = line.ours / baseline_value - 1
    if abs(change) < NOTABLE_CHANGE:
        return format_value(baseline_value)
    return f"{format_value(baseline_value)} ({'better' if (change > 0) is line.more else 'worse'}: {change:+.0%})"


def write_results(path: Path, environment: Mapping[str, Any], lines: Sequence[Measurement]) -> None:
    """Write the measurements and the environment of a run as JSON; each has its ratio and its verdict too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({**environment, "lines": [_rounded(line) for line in lines]}, indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def read_results(path: Path) -> dict[Key, Measurement]:
    """Return the measurements of a written run, by section and name; empty where there is no file."""
    if not path.exists():
        return {}
    lines = [_to_measurement(line) for line in json.loads(path.read_text(encoding="utf-8"))["lines"]]
    return {line.key: line for line in lines}


def save_baseline(path: Path, environment: Mapping[str, Any], lines: Sequence[Measurement]) -> None:
    """Replace the baseline of the measured sections; the others stay, each with the commit it was measured at."""
    measured = {line.section for line in lines}
    previous_commits = json.loads(path.read_text(encoding="utf-8")).get("commits", {}) if path.exists() else {}
    unmeasured = [line for line in read_results(path).values() if line.section not in measured]
    commits = {**previous_commits, **dict.fromkeys(sorted(measured), environment["commit"])}
    write_results(path, {**environment, "commits": commits}, [*unmeasured, *lines])


def _rounded(line: Measurement) -> dict[str, Any]:
    values = {**asdict(line), "ratio": line.ratio, "within": line.is_target_met}
    return {key: round(value, 3) if isinstance(value, float) else value for key, value in values.items()}


def _to_measurement(line: Mapping[str, Any]) -> Measurement:
    """Return a written line, without what follows from the rest of it."""
    names = {field.name for field in fields(Measurement)}
    return Measurement(**{name: value for name, value in line.items() if name in names})


def _without_values(line: Measurement) -> Measurement:
    """Return a line that was not measured; a baseline's target may be an older one."""
    return replace(line, ours=None, plain=None, limit=None, target=None, target_ratio=None)


def format_target(line: Measurement) -> str:
    """Return a target as text: absolute, or a ratio to the limit (×)."""
    if line.target is None and line.target_ratio is None:
        return "-"
    text = format_value(line.target) if line.target_ratio is None else format_ratio(line.target_ratio)
    return f"{'≥' if line.more else '≤'} {text}"
