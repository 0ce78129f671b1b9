"""Answers the open questions, whenever an employee or a rule changes and whenever a failure is due again."""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

import httpx
import psycopg
from kafka import KafkaConsumer
from kafka.errors import KafkaError

from lakehouse.alive import sign
from lakehouse.distance import cache
from lakehouse.distance.cache import Open
from lakehouse.distance.estimate import Estimate
from lakehouse.distance.google import Google
from lakehouse.distance.providers import Answer, Provider, Unavailable
from lakehouse.errors import NotReady
from lakehouse.logs import logger
from lakehouse.settings import Settings
from lakehouse.source import postgres, topics
from lakehouse.waiting import Stop, carry_on

WAKES = ("public.rh_employees", "public.reward_rules")
# In any case this often: so it sees Paris's midnight, when another rule may begin to hold, and Kafka's outages.
LONGEST_WAIT = 15.0

log = logger("distance")


def serve(settings: Settings, stop: Stop) -> None:
    """Answer until asked to stop, through outages of Postgres and Kafka."""
    carry_on(
        lambda: _session(settings, stop),
        away=(NotReady, *postgres.AWAY, KafkaError),
        say=log.warning,
        stop=stop,
    )


def once(settings: Settings) -> Counter[str]:
    """Answer what is open and due, and give how many answers of each status there were."""
    with httpx.Client() as client, postgres.connect(settings, autocommit=True) as conn:
        return answer_due(conn, _provider(settings, client), Stop())


def _session(settings: Settings, stop: Stop) -> None:
    with (
        httpx.Client() as client,
        postgres.connect(settings, autocommit=True) as conn,
        topics.follow(settings, [topics.topic_of(table) for table in WAKES]) as wakes,
    ):
        # What changed before is seen by the first look; messages only say that there is something to look at.
        wakes.seek_to_end()
        for partition in wakes.assignment():
            wakes.position(partition)
        provider = _provider(settings, client)
        log.info("ready", provider=provider.name)
        well = sign(settings.alive_file)
        while not stop.is_set():
            topics.reachable(wakes)
            well()
            answer_due(conn, provider, stop, well)
            _sleep(wakes, _wait(cache.open_questions(conn, provider.name)), stop)


def answer_due(
    conn: psycopg.Connection, provider: Provider, stop: Stop, well: Callable[[], None] = lambda: None
) -> Counter[str]:
    """Ask the provider what is open and due; note its answers as they come, and call `well` for each few."""
    due = [asked for asked in cache.open_questions(conn, provider.name) if asked.due_in <= 0]
    # In one and the same order, a question that always makes the provider fail would keep those after it unasked.
    random.shuffle(due)
    noted: Counter[str] = Counter()
    answers = _answers(provider, due)
    while not stop.is_set() and (batch := list(islice(answers, provider.at_once))):
        cache.note(conn, provider.name, batch)
        well()
        noted.update(answer.status for _, answer in batch)
    if noted:
        log.info("distances noted", provider=provider.name, **noted)
    return noted


def _answers(provider: Provider, due: Sequence[Open]) -> Iterator[tuple[Open, Answer]]:
    """Ask one after the other; once the provider answers nobody, the rest fail with its reason unasked."""
    unavailable: str | None = None
    for asked in due:
        if unavailable is None:
            try:
                yield asked, provider.distance(asked.question)
                continue
            except Unavailable as error:
                unavailable = str(error)
                log.warning("provider unavailable", provider=provider.name, reason=unavailable)
        yield asked, Answer("failed", reason=unavailable)


def _provider(settings: Settings, client: httpx.Client) -> Provider:
    return Google(settings, client) if settings.api_key_maps else Estimate()


def _wait(still_open: Sequence[Open]) -> float:
    return min([LONGEST_WAIT, *(asked.due_in for asked in still_open)])


def _sleep(wakes: KafkaConsumer, seconds: float, stop: Stop) -> None:
    """Return when a message comes, when the time is over, or when asked to end."""
    deadline = time.monotonic() + seconds
    while not stop.is_set() and (left := deadline - time.monotonic()) > 0:
        if wakes.poll(timeout_ms=round(1000 * min(left, 1.0))):
            return
