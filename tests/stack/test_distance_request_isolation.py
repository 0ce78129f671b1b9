"""A distance request that fails, or whose employee changes meanwhile, does not block the others."""

import random
import string
from collections.abc import Callable, Iterator

import pytest

from lakehouse.distance import cache, worker
from lakehouse.distance.providers import DistanceRequest, DistanceResult, ProviderUnavailable
from lakehouse.retries import StopSignal
from lakehouse.settings import Settings
from lakehouse.source import postgres
from stack.activity_events import insert_employee

HOME, ELSEWHERE = "12 rue du Test, 34000 Montpellier", "3 rue du Test, 34130 Mauguio"
WORK, NEW_WORK = "1362 Av. des Platanes, 34970 Lattes", "1 place de la Comédie, 34000 Montpellier"
ON_FOOT, BY_BICYCLE = "Marche/running", "Vélo/Trottinette/Autres"


class Provider:
    """A provider that computes its results by a function, and records its requests."""

    name, batch_size = "google", 20

    def __init__(self, answer: Callable[[DistanceRequest], DistanceResult]) -> None:
        self._answer = answer
        self.requests: list[DistanceRequest] = []

    def distance(self, request: DistanceRequest) -> DistanceResult:
        self.requests.append(request)
        return self._answer(request)


def answer_ok(_: DistanceRequest) -> DistanceResult:
    return DistanceResult("ok", 7_000, 900)


@pytest.fixture
def conn(database: Settings) -> Iterator[postgres.Connection]:
    with postgres.connect(database, autocommit=True) as conn:
        conn.execute(
            "INSERT INTO reward_rules VALUES ('2020-01-01', 0.05, 15000, 25000, 15, 5, 'calendar_year', %s)", [WORK]
        )
        yield conn


def run_worker_once(
    conn: postgres.Connection, answer: Callable[[DistanceRequest], DistanceResult]
) -> list[DistanceRequest]:
    """Make all requests due, run the worker once, and return the requests that it sent."""
    conn.execute("UPDATE ops.distance_retry SET next_attempt_at = now()")
    provider = Provider(answer)
    worker.resolve_due(conn, provider, StopSignal())
    return provider.requests


def cached_distances(conn: postgres.Connection) -> list[tuple[str, str, str, str]]:
    return conn.execute(
        "SELECT origin_address, destination_address, travel_mode, status FROM distance_cache ORDER BY id"
    ).fetchall()


@pytest.mark.parametrize(
    ("change", "value", "request_after"),
    [
        ("UPDATE rh_employees SET adresse_complete = %s", ELSEWHERE, DistanceRequest(ELSEWHERE, WORK, "walking")),
        ("UPDATE rh_employees SET moyen_deplacement = %s", BY_BICYCLE, DistanceRequest(HOME, WORK, "bicycling")),
        ("UPDATE reward_rules SET destination = %s", NEW_WORK, DistanceRequest(HOME, NEW_WORK, "walking")),
    ],
)
@pytest.mark.parametrize(
    "result", [answer_ok(DistanceRequest("", "", "")), DistanceResult("failed", reason="no route")]
)
def test_address_changed_during_a_request_is_requested_next(
    conn: postgres.Connection,
    database: Settings,
    change: str,
    value: str,
    request_after: DistanceRequest,
    result: DistanceResult,
) -> None:
    def answer_after_change(_: DistanceRequest) -> DistanceResult:
        with postgres.connect(database, autocommit=True) as hr:
            hr.execute(change, [value])
        return result

    insert_employee(conn, 1, HOME, ON_FOOT)
    assert run_worker_once(conn, answer_after_change) == [DistanceRequest(HOME, WORK, "walking")]
    assert cached_distances(conn) == [(HOME, WORK, "walking", result.status)]
    assert [pending.request for pending in cache.pending_requests(conn, "google")] == [request_after]
    assert run_worker_once(conn, answer_ok) == [request_after]
    assert cached_distances(conn)[1:] == [
        (request_after.origin, request_after.destination, request_after.travel_mode, "ok")
    ]
    assert cache.pending_requests(conn, "google") == []


def test_employee_deleted_during_a_request_does_not_block_the_others(
    conn: postgres.Connection, database: Settings
) -> None:
    def fail_after_delete(_: DistanceRequest) -> DistanceResult:
        with postgres.connect(database, autocommit=True) as hr:
            hr.execute("DELETE FROM rh_employees WHERE id = 1")
        return DistanceResult("failed", reason="no route")

    insert_employee(conn, 1, HOME, ON_FOOT)
    insert_employee(conn, 2, ELSEWHERE, ON_FOOT)
    assert len(run_worker_once(conn, fail_after_delete)) == 2
    assert run_worker_once(conn, answer_ok) == [DistanceRequest(ELSEWHERE, WORK, "walking")]
    assert cache.pending_requests(conn, "google") == []


def test_request_that_always_fails_does_not_starve_the_others(conn: postgres.Connection) -> None:
    def fail_for_home(request: DistanceRequest) -> DistanceResult:
        if request.origin == HOME:
            raise ProviderUnavailable("HTTP 500")
        return answer_ok(request)

    addresses = [HOME, *(f"{number} rue du Test, 34130 Mauguio" for number in range(9))]
    for number, address in enumerate(addresses):
        insert_employee(conn, number, address, ON_FOOT)
    for _ in range(100):
        run_worker_once(conn, fail_for_home)
    assert [pending.request.origin for pending in cache.pending_requests(conn, "google")] == [HOME]


def test_oversized_address_is_not_requested_and_does_not_block_the_others(conn: postgres.Connection) -> None:
    rng = random.Random(1)
    insert_employee(conn, 1, "".join(rng.choices(string.printable.strip(), k=4_000)), ON_FOOT)
    insert_employee(conn, 2, HOME, ON_FOOT)
    assert run_worker_once(conn, answer_ok) == [DistanceRequest(HOME, WORK, "walking")]


def test_longest_allowed_address_is_saved(conn: postgres.Connection) -> None:
    rng = random.Random(1)
    address = "".join(rng.choices(string.printable.strip(), k=cache.MAX_INDEX_ENTRY_BYTES - len(WORK)))
    insert_employee(conn, 1, address, ON_FOOT)
    run_worker_once(conn, answer_ok)
    assert cached_distances(conn) == [(address, WORK, "walking", "ok")]


def test_failure_reason_with_invalid_characters_is_saved(conn: postgres.Connection) -> None:
    insert_employee(conn, 1, HOME, ON_FOOT)
    run_worker_once(conn, lambda _: DistanceResult("failed", reason="no\0 route \ud800"))
    assert conn.execute("SELECT error_message FROM distance_cache").fetchone() == ("no route ?",)
