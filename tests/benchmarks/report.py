"""What a run found: as a table beside the last one kept, and as JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from rich.table import Table

from benchmarks.lines import Key, Line, shown

NOTABLE = 0.1  # share by which a figure has to change to be marked


def table(lines: Sequence[Line], kept: Mapping[Key, Line]) -> Table:
    """Give every line with what was kept of it; lines that only were kept come too."""
    told = Table("name", "ours", "plain", "limit", "to reach", "last kept", title="make bench", title_justify="left")
    section = ""
    for line in [*lines, *(_unmeasured(one) for key, one in kept.items() if key not in {line.key for line in lines})]:
        if line.section != section:
            section = line.section
            told.add_section()
            told.add_row(f"[bold]{section}")
        ours = {True: "[green]", False: "[red]", None: ""}[line.reached] + shown(line.ours, line.unit)
        told.add_row(line.name, ours, shown(line.plain), shown(line.limit), _to_reach(line), against(line, kept))
    return told


def against(line: Line, kept: Mapping[Key, Line]) -> str:
    """Give what was kept of a line, and by how much it is better or worse now."""
    before = kept[line.key].ours if line.key in kept else None
    if before is None or line.ours is None or before == 0:
        return shown(before)
    change = line.ours / before - 1
    if abs(change) < NOTABLE:
        return shown(before)
    return f"{shown(before)} ({'better' if (change > 0) is line.more else 'worse'}: {change:+.0%})"


def write(path: Path, about: Mapping[str, Any], lines: Sequence[Line]) -> None:
    """Write the run, and where it ran."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({**about, "lines": [_rounded(line) for line in lines]}, indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def read(path: Path) -> dict[Key, Line]:
    """Give the lines of a run that was written, by section and name; none where there is no file."""
    if not path.exists():
        return {}
    lines = [Line(**line) for line in json.loads(path.read_text(encoding="utf-8"))["lines"]]
    return {line.key: line for line in lines}


def keep(path: Path, about: Mapping[str, Any], lines: Sequence[Line]) -> None:
    """Write the run over what was kept of its sections; of the others that stays, with the commit it was made at."""
    measured = {line.section for line in lines}
    before = json.loads(path.read_text(encoding="utf-8")).get("commits", {}) if path.exists() else {}
    stays = [line for line in read(path).values() if line.section not in measured]
    commits = {**before, **dict.fromkeys(sorted(measured), about["commit"])}
    write(path, {**about, "commits": commits}, [*stays, *lines])


def _rounded(line: Line) -> dict[str, Any]:
    return {key: round(value, 3) if isinstance(value, float) else value for key, value in asdict(line).items()}


def _unmeasured(line: Line) -> Line:
    return replace(line, ours=None, plain=None, limit=None)


def _to_reach(line: Line) -> str:
    return "-" if line.target is None else f"{'≥' if line.more else '≤'} {shown(line.target)}"
