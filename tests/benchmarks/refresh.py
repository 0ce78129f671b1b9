"""The duration of a refresh of 20 changes at a size, from process start to exit, and of its stages."""

import sys
from collections.abc import Iterator
from statistics import median

from benchmarks.event_log import measure_read
from benchmarks.jobs import run_refresh, run_timed, simulate_activities, simulate_corrections, stage_seconds, warm_jvm
from benchmarks.measurements import Measurement
from benchmarks.options import Options
from benchmarks.system import BenchmarkSystem
from lakehouse.local.service import job_command
from lakehouse.refresh.proof import MAX_CHECKSUM_ROWS
from lakehouse.settings import Settings

REFRESH_SECTION = "refresh"
SMALL_SIZE, LARGE_SIZE = 10_000, 5_000_000  # activities
# Of the empty session's duration, up to the small size.
TARGET_RATIO, WARM_TARGET_RATIO, FIRST_TARGET_RATIO = 3.0, 1.0, 5.0
FIRST_TARGET_SECONDS = 300.0  # at the large size
CORRECTIONS_LABEL = "20 changes, 4 of them to old activities"
PROOF_TARGET_PERCENT = 10.0  # of a refresh without the proof, in long tables
MAX_GROWTH_RATIO = 1.3  # of the duration at the largest size to that at the smallest
EMPTY_SESSION = """
from lakehouse.spark.session import session
from lakehouse.settings import Settings
with session(Settings(), "refresh") as spark:
    spark.sql("SELECT 1").collect()
"""


def measure_first_refresh(system: BenchmarkSystem, options: Options, size: int) -> Iterator[Measurement]:
    """Measure a refresh of all new changes, and run the nightly maintenance, which compacts small files.

    Its limit, and that of all refreshes at this size, is an empty session: start, SELECT 1, end.
    """
    system.log(f"first refresh at {size:,}")
    empty = min(
        run_timed(system, system.settings, sys.executable, "-c", EMPTY_SESSION).seconds
        for _ in range(options.refreshes)
    )
    yield first_refresh_line(size, run_refresh(system, system.settings).seconds, empty)
    for line in refresh_lines(size):
        yield line.with_value("limit", empty)
    run_timed(system, system.settings, *job_command("maintain.py"))


def first_refresh_line(size: int, seconds: float, empty: float) -> Measurement:
    """Return the line of a first refresh, with what it should reach: a ratio where small, seconds where large."""
    return Measurement(
        REFRESH_SECTION,
        f"first refresh at {size:,}",
        "s",
        ours=seconds,
        limit=empty,
        target=FIRST_TARGET_SECONDS if size == LARGE_SIZE else None,
        target_ratio=FIRST_TARGET_RATIO if size <= SMALL_SIZE else None,
    )


def refresh_lines(size: int) -> tuple[Measurement, Measurement]:
    """Return the lines of a refresh of 20 changes, cold and in a warm JVM, without figures."""
    name, is_small = f"20 changes at {size:,}", size <= SMALL_SIZE
    cold, warm = f"{name}, least (limit: an empty session)", f"{name} in a warm JVM"
    return (
        Measurement(REFRESH_SECTION, cold, "s", target_ratio=TARGET_RATIO if is_small else None),
        Measurement(REFRESH_SECTION, warm, "s", target_ratio=WARM_TARGET_RATIO if is_small else None),
    )


def measure(system: BenchmarkSystem, options: Options, size: int) -> Iterator[Measurement]:
    """Yield the measurements of one size: refresh, corrections, warm JVM, plain, and bytes read."""
    yield from _measure_refreshes(system, system.settings, "ours", size, options.refreshes)
    yield Measurement(
        REFRESH_SECTION,
        f"{CORRECTIONS_LABEL} at {size:,}",
        "s",
        ours=min(_time_corrections(system) for _ in range(options.refreshes)),
    )
    yield from _measure_proof(system, options, size)
    yield from _measure_warm(system, options, size)
    yield from _measure_refreshes(system, system.plain_settings, "plain", size, options.plain_refreshes)
    simulate_activities(system)
    files, mib = measure_read(system)
    yield Measurement(REFRESH_SECTION, f"files read at {size:,}", "", ours=files)
    yield Measurement(REFRESH_SECTION, f"read at {size:,}", "MiB", ours=mib)


def measure_growth(lines: list[Measurement]) -> Iterator[Measurement]:
    """Yield the ratio of a refresh's duration at the largest size to that at the smallest."""
    for label, sides in (("least", ("ours", "plain")), (CORRECTIONS_LABEL, ("ours",))):
        sizes = [line for line in lines if line.section == REFRESH_SECTION and label in line.name]
        for side in sides if len(sizes) > 1 else ():
            name = f"largest size / smallest, {label}"
            yield Measurement(REFRESH_SECTION, name, "times", target=MAX_GROWTH_RATIO).with_value(
                side, _ratio(sizes, side)
            )


def _measure_refreshes(
    system: BenchmarkSystem, settings: Settings, side: str, size: int, count: int
) -> Iterator[Measurement]:
    durations, stage_durations = [], list[dict[str, float]]()
    for _ in range(count):
        simulate_activities(system)
        durations.append(run_refresh(system, settings).seconds)
        stage_durations.append(stage_seconds(settings))
    least, _ = refresh_lines(size)
    yield least.with_value(side, min(durations))
    yield Measurement(REFRESH_SECTION, f"20 changes at {size:,}, median", "s").with_value(side, median(durations))
    for stage in stage_durations[0]:
        shortest = min(durations_by_stage.get(stage, 0.0) for durations_by_stage in stage_durations)
        yield Measurement(REFRESH_SECTION, f"stage {stage} at {size:,}", "s").with_value(side, shortest)


def _time_corrections(system: BenchmarkSystem) -> float:
    simulate_corrections(system)
    return run_refresh(system, system.settings).seconds


def _measure_proof(system: BenchmarkSystem, options: Options, size: int) -> Iterator[Measurement]:
    """Yield the durations of refreshes with and without the proof, which alternate, and what the proof adds."""
    proved, unverified = list[float](), list[float]()
    for _ in range(options.refreshes):
        for arguments, durations in (((), proved), (("--unverified",), unverified)):
            simulate_activities(system)
            durations.append(run_refresh(system, system.settings, *arguments).seconds)
    name = f"20 changes at {size:,}"
    yield Measurement(REFRESH_SECTION, f"{name}, proved", "s", ours=min(proved))
    yield Measurement(REFRESH_SECTION, f"{name}, --unverified", "s", ours=min(unverified))
    target = PROOF_TARGET_PERCENT if size > MAX_CHECKSUM_ROWS else None
    added = 100 * (min(proved) / min(unverified) - 1)
    yield Measurement(REFRESH_SECTION, f"the proof adds at {size:,}", "%", ours=added, target=target)


def _measure_warm(system: BenchmarkSystem, options: Options, size: int) -> Iterator[Measurement]:
    """Yield the duration of a refresh in a warm JVM; its first refresh is not counted."""
    durations = []
    with warm_jvm(system):
        for _ in range(1 + options.refreshes):
            simulate_activities(system)
            durations.append(run_refresh(system, system.settings).seconds)
    _, warm = refresh_lines(size)
    yield warm.with_value("ours", min(durations[1:]))


def _ratio(lines: list[Measurement], side: str) -> float | None:
    smallest, largest = getattr(lines[0], side), getattr(lines[-1], side)
    return largest / smallest if smallest and largest else None
