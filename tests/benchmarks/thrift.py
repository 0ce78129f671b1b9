"""How long a question over Thrift takes, alone and among sixteen, and how soon a commit is seen."""

import time
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue
from threading import Thread

from pyhive import hive

from benchmarks.jobs import LONGEST, REFRESH, change
from benchmarks.lines import Line
from benchmarks.options import Options
from benchmarks.samples import percentile
from benchmarks.system import System
from lakehouse.errors import LakehouseError
from lakehouse.serving.client import ask, session
from lakehouse.settings import Settings
from lakehouse.waiting import wait_until

SECTION = "thrift"
SMALL, ALONE, AMONG_MANY = 10_000, 100.0, 1_000.0  # activities, and the p50 and p95 to reach up to there, in ms
CLIENTS, EACH = 16, 10
WARM = 5
LONG_ENOUGH = 60.0  # seconds after which a question is not asked again
SHARES = (50, 95)
QUESTIONS = {
    "v_prime_sportive": "SELECT * FROM gold.v_prime_sportive",
    "v_wellbeing": "SELECT * FROM gold.v_wellbeing",
    "by business unit": "SELECT business_unit, count(*), sum(montant_prime) FROM gold.v_prime_sportive GROUP BY 1",
}


def measure(it: System, options: Options, size: int, *, plain: bool) -> Iterator[Line]:
    """Give the lines of one size."""
    it.say(f"questions over Thrift at {size:,}")
    with session(it.settings) as cursor:
        bare = asked(cursor, "SELECT 1", options.queries)
    for name in QUESTIONS:
        yield from _lines(f"{name} at {size:,}", bare, "limit", ALONE if size <= SMALL else None)
    yield from _questions(it.settings, options, size, "ours")
    yield Line(SECTION, f"commit → seen over Thrift at {size:,}", "ms", ours=freshness(it))
    if plain:
        with it.instead("spark-thrift", it.plain):
            yield from _questions(it.settings, options, size, "plain")


def asked(cursor: hive.Cursor, sql: str, times: int, warm: int = WARM) -> list[float]:
    """Give how long a question takes, asked again and again, in milliseconds."""
    took, until = list[float](), time.monotonic() + LONG_ENOUGH
    for _ in range(warm + times):
        began = time.monotonic()
        ask(cursor, sql)
        took.append(1000 * (time.monotonic() - began))
        if time.monotonic() > until and len(took) > warm:
            break
    return took[warm:]


def freshness(it: System) -> float:
    """Give the milliseconds from a refresh's commit of its run to a question that sees it."""
    runs = f"{it.settings.lake}/gold/runs"
    change(it)
    with session(it.settings) as cursor, it.process(it.settings, *REFRESH) as refreshing:
        question = f"SELECT count(*) FROM delta.`{runs}`"  # noqa: S608 - our own table
        before = ask(cursor, question).rows

        def is_seen() -> bool:
            if refreshing.poll():
                raise LakehouseError("the refresh failed; see bench.log")
            return ask(cursor, question).rows != before

        wait_until(is_seen, timeout=LONGEST, missing="the run to be seen over Thrift", every=0.01)
        seen = time.time()
        wait_until(lambda: refreshing.poll() is not None, timeout=600, missing="the refresh to end")
    committed = max(entry.stat().st_mtime for entry in (Path(runs) / "_delta_log").glob("*.json"))
    return 1000 * (seen - committed)


def _questions(settings: Settings, options: Options, size: int, side: str) -> Iterator[Line]:
    with session(settings) as cursor:
        for name, sql in QUESTIONS.items():
            yield from _lines(f"{name} at {size:,}", asked(cursor, sql, options.queries), side)
    took = _at_once(settings, QUESTIONS["v_prime_sportive"])
    target = AMONG_MANY if size <= SMALL else None
    yield Line(SECTION, f"{CLIENTS} clients at {size:,}, p95", "ms", target=target).on(side, percentile(took, 95))


def _lines(name: str, took: list[float], side: str, p50: float | None = None) -> Iterator[Line]:
    for share in SHARES:
        target = p50 if share == SHARES[0] else None
        yield Line(SECTION, f"{name}, p{share} (limit: SELECT 1)", "ms", target=target).on(
            side, percentile(took, share)
        )


def _at_once(settings: Settings, sql: str) -> list[float]:
    """Give how long each question of several clients took, who all ask at the same time."""
    answers = SimpleQueue[list[float] | Exception]()
    for _ in range(CLIENTS):
        # Nobody waits for them to close: of sessions that are closed at once Spark's server may leave one hanging.
        Thread(target=_one_of_many, args=[settings, sql, answers], daemon=True).start()
    found = [answers.get(timeout=LONGEST) for _ in range(CLIENTS)]
    if failed := [one for one in found if isinstance(one, Exception)]:
        raise failed[0]
    return [took for one in found if isinstance(one, list) for took in one]


def _one_of_many(settings: Settings, sql: str, answers: "SimpleQueue[list[float] | Exception]") -> None:
    try:
        with session(settings) as cursor:
            answers.put(asked(cursor, sql, EACH, warm=1))
    except Exception as error:  # noqa: BLE001 - whoever waits for the answer raises it
        answers.put(error)
