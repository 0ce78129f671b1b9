"""The options of a benchmark run."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """The amount of work in each section."""

    sizes: tuple[int, ...] = (10_000, 500_000, 5_000_000)  # activities
    sections: tuple[str, ...] = ()
    probes: int = 200
    changes: int = 1_000_000
    rates: tuple[int, ...] = (1_000, 2_000, 4_000, 6_000, 8_000, 10_000, 12_500, 15_000)  # changes a second
    step: float = 45.0  # seconds at each rate
    sustained: float = 300.0  # seconds at the highest steady rate
    refreshes: int = 3
    plain_refreshes: int = 1
    queries: int = 50
    idle: float = 60.0  # seconds
    csv_rows: int = 1_000_000  # people in HR's CSV


# To try the harness; the figures are not comparable.
QUICK = Options(
    sizes=(2_000, 4_000),
    probes=10,
    changes=20_000,
    rates=(100, 300),
    step=15.0,
    sustained=10.0,
    refreshes=1,
    queries=5,
    idle=5.0,
    csv_rows=20_000,
)
