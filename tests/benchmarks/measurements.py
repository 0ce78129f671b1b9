"""A measured line: a figure side by side with its plain form, its limit and what is to be reached."""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Any

Key = tuple[str, str]


@dataclass(frozen=True)
class Measurement:
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

    def with_value(self, side: str, figure: float | None) -> "Measurement":
        """Give the line with a figure as `ours`, `plain` or `limit`."""
        sides: dict[str, Any] = {side: figure}
        return replace(self, **sides)

    @property
    def is_target_met(self) -> bool | None:
        """Whether what was to be reached was; None where nothing tells."""
        if self.ours is None or self.target is None:
            return None
        return self.ours >= self.target if self.more else self.ours <= self.target

    def __str__(self) -> str:
        sides = {"ours": self.ours, "plain": self.plain, "limit": self.limit}
        text = ", ".join(
            f"{side} {format_value(value, self.unit)}" for side, value in sides.items() if value is not None
        )
        return f"{self.name}: {text or '-'}"


def merge_measurements(lines: Iterable[Measurement]) -> list[Measurement]:
    """Give one line for each name, in the order of their first: what is told later fills it in, or replaces it."""
    merged: dict[Key, Measurement] = {}
    for line in lines:
        merged[line.key] = _fill_in(merged[line.key], line) if line.key in merged else line
    return list(merged.values())


def format_value(value: float | None, unit: str = "") -> str:
    """Write a figure with as many digits as it deserves; a dash for none."""
    if value is None:
        return "-"
    digits = 0 if abs(value) >= 100 or value == round(value) else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f} {unit}".strip()


def _fill_in(before: Measurement, after: Measurement) -> Measurement:
    values = {field.name: getattr(after, field.name) for field in fields(Measurement)}
    previous = {field.name: getattr(before, field.name) for field in fields(Measurement)}
    return Measurement(**{name: previous[name] if value is None else value for name, value in values.items()})
