"""A measured line: a figure side by side with its plain form, its limit and what is to be reached."""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Any

Key = tuple[str, str]


@dataclass(frozen=True)
class Line:
    """One figure: as we run it, with Spark's and Delta's defaults, and the bare parts' own; None: not measured."""

    section: str
    name: str
    unit: str
    ours: float | None = None
    plain: float | None = None
    limit: float | None = None
    target: float | None = None
    more: bool = False  # whether more is better

    @property
    def key(self) -> Key:
        return self.section, self.name

    def on(self, side: str, figure: float | None) -> "Line":
        """Give the line with a figure as `ours`, `plain` or `limit`."""
        sides: dict[str, Any] = {side: figure}
        return replace(self, **sides)

    @property
    def reached(self) -> bool | None:
        """Whether what was to be reached was; None where nothing tells."""
        if self.ours is None or self.target is None:
            return None
        return self.ours >= self.target if self.more else self.ours <= self.target

    def __str__(self) -> str:
        sides = {"ours": self.ours, "plain": self.plain, "limit": self.limit}
        told = ", ".join(f"{side} {shown(value, self.unit)}" for side, value in sides.items() if value is not None)
        return f"{self.name}: {told or '-'}"


def together(lines: Iterable[Line]) -> list[Line]:
    """Give one line for each name, in the order of their first: what is told later fills it in, or replaces it."""
    found: dict[Key, Line] = {}
    for line in lines:
        found[line.key] = _filled(found[line.key], line) if line.key in found else line
    return list(found.values())


def shown(value: float | None, unit: str = "") -> str:
    """Write a figure with as many digits as it deserves; a dash for none."""
    if value is None:
        return "-"
    digits = 0 if abs(value) >= 100 or value == round(value) else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f} {unit}".strip()


def _filled(before: Line, after: Line) -> Line:
    told = {field.name: getattr(after, field.name) for field in fields(Line)}
    kept = {field.name: getattr(before, field.name) for field in fields(Line)}
    return Line(**{name: kept[name] if value is None else value for name, value in told.items()})
