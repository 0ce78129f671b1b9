"""How long a refresh of 20 changes takes at a size, as a process from start to exit, and where its time goes."""

import sys
from collections.abc import Iterator
from statistics import median

from benchmarks.event_log import reading
from benchmarks.jobs import change, correct, kept_warm, ran, refreshed, stages
from benchmarks.lines import Line
from benchmarks.options import Options
from benchmarks.system import System
from lakehouse.local.service import job
from lakehouse.settings import Settings

SECTION = "refresh"
SMALL, TARGET = 10_000, 25.0  # activities, seconds
TARGET_WARM = 8.0
CORRECTED = "20 changes, 4 of them to old activities"
GROWS_BY = 1.3  # at most, from the smallest size to the largest
EMPTY_SESSION = """
from lakehouse.cdc.session import session
from lakehouse.settings import Settings
with session(Settings(), "refresh"):
    pass
"""


def first(it: System, size: int) -> Iterator[Line]:
    """Take all that is new in, and put small files together as is done each night."""
    it.say(f"first refresh at {size:,}")
    yield Line(SECTION, f"first refresh at {size:,}", "s", ours=refreshed(it, it.settings).seconds)
    ran(it, it.settings, *job("maintain.py"))


def measure(it: System, options: Options, size: int) -> Iterator[Line]:
    """Give the lines of one size."""
    name = f"20 changes at {size:,}"
    empty = ran(it, it.settings, sys.executable, "-c", EMPTY_SESSION).seconds
    yield Line(SECTION, f"{name}, least (limit: an empty session)", "s", limit=empty)
    yield from _refreshes(it, it.settings, "ours", size, options.refreshes)
    yield Line(SECTION, f"{CORRECTED} at {size:,}", "s", ours=min(_corrected(it) for _ in range(options.refreshes)))
    yield from _warm(it, options, size)
    yield from _refreshes(it, it.plain, "plain", size, options.plain_refreshes)
    change(it)
    files, mib = reading(it)
    yield Line(SECTION, f"files read at {size:,}", "", ours=files)
    yield Line(SECTION, f"read at {size:,}", "MiB", ours=mib)


def growth(lines: list[Line]) -> Iterator[Line]:
    """Give how much longer a refresh takes at the largest size than at the smallest."""
    for named, sides in (("least", ("ours", "plain")), (CORRECTED, ("ours",))):
        sizes = [line for line in lines if line.section == SECTION and named in line.name]
        for side in sides if len(sizes) > 1 else ():
            name = f"largest size / smallest, {named}"
            yield Line(SECTION, name, "times", target=GROWS_BY).on(side, _ratio(sizes, side))


def _refreshes(it: System, settings: Settings, side: str, size: int, times: int) -> Iterator[Line]:
    took, spent = [], list[dict[str, float]]()
    for _ in range(times):
        change(it)
        took.append(refreshed(it, settings).seconds)
        spent.append(stages(settings))
    target = TARGET if size <= SMALL else None
    name = f"20 changes at {size:,}"
    yield Line(SECTION, f"{name}, least (limit: an empty session)", "s", target=target).on(side, min(took))
    yield Line(SECTION, f"{name}, median", "s").on(side, median(took))
    for stage in spent[0]:
        at_least = min(one.get(stage, 0.0) for one in spent)
        yield Line(SECTION, f"stage {stage} at {size:,}", "s").on(side, at_least)


def _corrected(it: System) -> float:
    correct(it)
    return refreshed(it, it.settings).seconds


def _warm(it: System, options: Options, size: int) -> Iterator[Line]:
    """Give how long it takes in a JVM that has done it before."""
    took = []
    with kept_warm(it):
        for _ in range(1 + options.refreshes):
            change(it)
            took.append(refreshed(it, it.settings).seconds)
    target = TARGET_WARM if size <= SMALL else None
    yield Line(SECTION, f"20 changes at {size:,} in a warm JVM", "s", ours=min(took[1:]), target=target)


def _ratio(lines: list[Line], side: str) -> float | None:
    smallest, largest = getattr(lines[0], side), getattr(lines[-1], side)
    return largest / smallest if smallest and largest else None
