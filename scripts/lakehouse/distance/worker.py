"""The distance worker: resolves pending requests when an employee or a rule changes and when a retry is due."""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from kafka import KafkaConsumer
from kafka.errors import KafkaError

from lakehouse.distance import cache
from lakehouse.distance.cache import PendingRequest
from lakehouse.distance.estimate import Estimate
from lakehouse.distance.google_routes import Google
from lakehouse.distance.providers import DistanceResult, Provider, ProviderUnavailable
from lakehouse.errors import NotReady
from lakehouse.healthcheck import make_heartbeat
from lakehouse.http_session import HttpSession, external_session
from lakehouse.logs import logger
from lakehouse.retries import StopSignal, retry_until_stopped
from lakehouse.settings import Settings
from lakehouse.source import postgres, topics

TRIGGER_TABLES = ("public.rh_employees", "public.reward_rules")
# Short enough to notice Paris's midnight, when another rule may come into force, and Kafka's outages.
MAX_SLEEP_S = 15.0

log = logger("distance")


def serve(settings: Settings, stop: StopSignal) -> None:
    """Write each new commute distance to Postgres until stopped, through outages of Postgres and Kafka."""
    retry_until_stopped(
        lambda: _run_session(settings, stop),
        on=(NotReady, *postgres.TRANSIENT_ERRORS, KafkaError),
        log=log.warning,
        stop=stop,
    )


def run_once(settings: Settings) -> Counter[str]:
    """Resolve the requests that are due, once, and return the number of results per status."""
    with external_session() as session, postgres.connect(settings, autocommit=True) as conn:
        return resolve_due(conn, _select_provider(settings, session), StopSignal())


def _run_session(settings: Settings, stop: StopSignal) -> None:
    with (
        external_session() as session,
        postgres.connect(settings, autocommit=True) as conn,
        topics.open_consumer(settings, [topics.topic_name(table) for table in TRIGGER_TABLES]) as consumer,
    ):
        # The first query covers earlier changes; a message only triggers another query, so begin at the topics' end.
        consumer.seek_to_end()
        for partition in consumer.assignment():
            consumer.position(partition)
        provider = _select_provider(settings, session)
        log.info("ready", provider=provider.name)
        heartbeat = make_heartbeat(settings.heartbeat_file)
        while not stop.is_set():
            topics.end_offsets(consumer)
            heartbeat()
            resolve_due(conn, provider, stop, heartbeat)
            _wait_for_message(consumer, _seconds_to_next(cache.pending_requests(conn, provider.name)), stop)


def resolve_due(
    conn: postgres.Connection, provider: Provider, stop: StopSignal, heartbeat: Callable[[], None] = lambda: None
) -> Counter[str]:
    """Fetch the distances of due requests, save them in batches, and return the number of results per status.

    `heartbeat` is called after each batch.
    """
    due = [pending for pending in cache.pending_requests(conn, provider.name) if pending.due_in <= 0]
    # In a fixed order, a request that always makes the provider unavailable would starve those after it.
    random.shuffle(due)
    saved: Counter[str] = Counter()
    results = _fetch_results(provider, due)
    while not stop.is_set() and (batch := list(islice(results, provider.batch_size))):
        cache.save_results(conn, provider.name, batch)
        heartbeat()
        saved.update(result.status for _, result in batch)
    if saved:
        log.info("distances_saved", provider=provider.name, **saved)
    return saved


def _fetch_results(
    provider: Provider, due: Sequence[PendingRequest]
) -> Iterator[tuple[PendingRequest, DistanceResult]]:
    """Yield each request with its result. Once the provider is unavailable, the others fail without a call."""
    unavailable: str | None = None
    for pending in due:
        if unavailable is None:
            try:
                yield pending, provider.distance(pending.request)
                continue
            except ProviderUnavailable as error:
                unavailable = str(error)
                log.warning("provider_unavailable", provider=provider.name, reason=unavailable)
        yield pending, DistanceResult("failed", reason=unavailable)


def _select_provider(settings: Settings, session: HttpSession) -> Provider:
    return Google(settings, session) if settings.api_key_maps else Estimate()


def _seconds_to_next(pending: Sequence[PendingRequest]) -> float:
    return min([MAX_SLEEP_S, *(request.due_in for request in pending)])


def _wait_for_message(consumer: KafkaConsumer, seconds: float, stop: StopSignal) -> None:
    """Return at the first message, after so many seconds, or when stopped."""
    deadline = time.monotonic() + seconds
    while not stop.is_set() and (remaining := deadline - time.monotonic()) > 0:
        if consumer.poll(timeout_ms=round(1000 * min(remaining, 1.0))):
            return
