"""Measurements: each a figure of the system with its plain variant, its limit, and what it should reach."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import pandas as pd

Key = tuple[str, str]


@dataclass(frozen=True)
class Measurement:
    """A figure of the system as tuned (`ours`), on Spark's and Delta's defaults (`plain`), and its `limit`.

    The limit is what the components reach alone. None stands for a value that was not measured.
    A figure's target is absolute, or a ratio to its limit: seconds depend on the day, a ratio within a run does not.
    """

    section: str
    name: str
    unit: str
    ours: float | None = None
    plain: float | None = None
    limit: float | None = None
    target: float | None = None
    more: bool = False  # whether more is better
    target_ratio: float | None = None  # of `ours` to `limit`

    def __post_init__(self) -> None:
        if self.target is not None and self.target_ratio is not None:
            raise ValueError(f"{self.name} has two targets: an absolute one, and a ratio to its limit")

    @property
    def key(self) -> Key:
        return self.section, self.name

    def with_value(self, side: str, figure: float | None) -> "Measurement":
        """Return a copy with the figure set as `ours`, `plain` or `limit`."""
        sides: dict[str, Any] = {side: figure}
        return replace(self, **sides)

    @property
    def is_target_met(self) -> bool | None:
        """Whether the target is met; None where there is no target or no figure."""
        figure, target = (self.ours, self.target) if self.target_ratio is None else (self.ratio, self.target_ratio)
        if figure is None or target is None:
            return None
        return figure >= target if self.more else figure <= target

    @property
    def ratio(self) -> float | None:
        """Ours divided by the limit; None where one of them was not measured, or the limit is 0."""
        return self.ours / self.limit if self.ours is not None and self.limit else None

    def __str__(self) -> str:
        sides = {"ours": self.ours, "plain": self.plain, "limit": self.limit}
        text = ", ".join(
            f"{side} {format_value(value, self.unit)}" for side, value in sides.items() if value is not None
        )
        return f"{self.name}: {text or '-'}" + (f" ({format_ratio(self.ratio)} the limit)" if self.ratio else "")


def merge_measurements(lines: Sequence[Measurement]) -> list[Measurement]:
    """Return one measurement for each section and name, in order of first appearance.

    Later values replace earlier ones, unless they are None.
    """
    columns = [field.name for field in fields(Measurement)]
    # Columns of objects, because columns of floats would make NaN of None.
    frame = pd.DataFrame(lines, columns=columns, dtype=object)
    merged = frame.groupby(["section", "name"], sort=False, as_index=False).last()
    return [Measurement(*row) for row in merged.itertuples(index=False)]


def format_ratio(value: float | None) -> str:
    """Return a ratio as text; a dash for None."""
    return "-" if value is None else f"{format_value(value)} ×"


def format_value(value: float | None, unit: str = "") -> str:
    """Return a figure as text, with fewer decimals the larger it is (2, 1 or 0); a dash for None."""
    if value is None:
        return "-"
    digits = 0 if abs(value) >= 100 or value == round(value) else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f} {unit}".strip()
