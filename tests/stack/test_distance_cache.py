"""Distance requests are resolved once, and failures are retried with growing delays; all state is in Postgres."""

from collections.abc import Iterator
from typing import Any

import pytest

from lakehouse.distance import cache, worker
from lakehouse.distance.providers import DistanceRequest, DistanceResult, ProviderUnavailable
from lakehouse.retries import StopSignal
from lakehouse.settings import Settings
from lakehouse.source import postgres
from stack.activity_events import insert_employee

HOME, ELSEWHERE = "12 rue du Test, 34000 Montpellier", "3 rue du Test, 34130 Mauguio"
WORK, NEW_WORK = "1362 Av. des Platanes, 34970 Lattes", "1 place de la Comédie, 34000 Montpellier"


class ScriptedProvider:
    """A provider that returns prepared results, and records its requests."""

    batch_size = 2

    def __init__(self, *results: DistanceResult | ProviderUnavailable, name: str = "google") -> None:
        self.name, self.results = name, list(results)
        self.requests: list[DistanceRequest] = []

    def distance(self, request: DistanceRequest) -> DistanceResult:
        self.requests.append(request)
        result = self.results.pop(0)
        if isinstance(result, ProviderUnavailable):
            raise result
        return result


@pytest.fixture
def conn(database: Settings) -> Iterator[postgres.Connection]:
    with postgres.connect(database, autocommit=True) as conn:
        insert_rule(conn, "2020-01-01", WORK)
        yield conn


def insert_rule(conn: postgres.Connection, valid_from: str, destination: str) -> None:
    conn.execute(
        "INSERT INTO reward_rules VALUES (%s, 0.05, 15000, 25000, 15, 5, 'calendar_year', %s)",
        [valid_from, destination],
    )


def run_worker(
    conn: postgres.Connection, *results: DistanceResult | ProviderUnavailable, name: str = "google"
) -> list[DistanceRequest]:
    provider = ScriptedProvider(*results, name=name)
    worker.resolve_due(conn, provider, StopSignal())
    assert provider.results == []
    return provider.requests


def cached_distances(conn: postgres.Connection) -> list[tuple[Any, ...]]:
    return conn.execute("SELECT provider, status, distance_m, error_message FROM distance_cache ORDER BY id").fetchall()


def row_versions(conn: postgres.Connection) -> list[tuple[Any, ...]]:
    return conn.execute("SELECT id, xmin::text FROM distance_cache ORDER BY id").fetchall()


OK_RESULT, FAILED_RESULT, NOT_FOUND = (
    DistanceResult("ok", 7_000, 900),
    DistanceResult("failed", reason="no route"),
    DistanceResult("not_found", reason="?"),
)


def test_shared_address_is_requested_once(conn: postgres.Connection) -> None:
    insert_employee(conn, 1, HOME, "Marche/running")
    insert_employee(conn, 2, HOME, "Marche/running")
    assert run_worker(conn, OK_RESULT) == [DistanceRequest(HOME, WORK, "walking")]
    assert run_worker(conn) == []
    assert cached_distances(conn) == [("google", "ok", 7_000, None)]


def test_each_travel_mode_is_a_separate_request(conn: postgres.Connection) -> None:
    modes = ["Marche/running", "Vélo/Trottinette/Autres", "Transports en commun", "véhicule thermique/électrique"]
    for number, mode in enumerate([*modes, "À dos d'âne", None]):
        insert_employee(conn, number, HOME, mode)
    requests = run_worker(conn, OK_RESULT, OK_RESULT, OK_RESULT, OK_RESULT)
    assert sorted(request.travel_mode for request in requests) == ["bicycling", "driving", "transit", "walking"]


def test_employee_without_an_address_is_not_requested(conn: postgres.Connection) -> None:
    insert_employee(conn, 1, None, "Marche/running")
    insert_employee(conn, 2, "  ", "Marche/running")
    assert run_worker(conn) == []


def test_changed_address_mode_or_destination_is_a_new_request(conn: postgres.Connection) -> None:
    insert_employee(conn, 1, HOME, "Marche/running")
    run_worker(conn, OK_RESULT)
    conn.execute("UPDATE rh_employees SET adresse_complete = %s", [ELSEWHERE])
    assert run_worker(conn, OK_RESULT) == [DistanceRequest(ELSEWHERE, WORK, "walking")]
    conn.execute("UPDATE rh_employees SET moyen_deplacement = 'Transports en commun'")
    assert run_worker(conn, OK_RESULT) == [DistanceRequest(ELSEWHERE, WORK, "transit")]
    insert_rule(conn, "2021-01-01", NEW_WORK)
    assert run_worker(conn, OK_RESULT) == [DistanceRequest(ELSEWHERE, NEW_WORK, "transit")]


def test_destination_of_a_future_rule_is_not_requested_yet(conn: postgres.Connection) -> None:
    insert_employee(conn, 1, HOME, "Marche/running")
    conn.execute(
        "INSERT INTO reward_rules SELECT (now() AT TIME ZONE 'Europe/Paris')::date + 2, 0.05, 15000, 25000, 15, 5, "
        "'calendar_year', %s",
        [NEW_WORK],
    )
    assert run_worker(conn, OK_RESULT) == [DistanceRequest(HOME, WORK, "walking")]


def test_failed_request_is_retried_with_growing_delays_until_it_succeeds(conn: postgres.Connection) -> None:
    insert_employee(conn, 1, HOME, "Marche/running")
    waits = []
    for _ in range(3):
        assert len(run_worker(conn, FAILED_RESULT)) == 1
        assert run_worker(conn) == []
        [pending] = cache.pending_requests(conn, "google")
        waits.append(round(pending.due_in / 60))
        conn.execute("UPDATE ops.distance_retry SET next_attempt_at = now()")
    assert waits == [1, 2, 4]
    assert cached_distances(conn) == [("google", "failed", None, "no route")]
    run_worker(conn, OK_RESULT)
    assert cached_distances(conn) == [("google", "ok", 7_000, None)]
    assert conn.execute("SELECT count(*) FROM ops.distance_retry").fetchone() == (0,)


def test_repeated_failure_updates_no_row(conn: postgres.Connection) -> None:
    insert_employee(conn, 1, HOME, "Marche/running")
    run_worker(conn, FAILED_RESULT)
    before = row_versions(conn)
    conn.execute("UPDATE ops.distance_retry SET next_attempt_at = now()")
    run_worker(conn, FAILED_RESULT)
    assert row_versions(conn) == before


def test_an_unknown_commune_is_final_until_the_address_changes(conn: postgres.Connection) -> None:
    insert_employee(conn, 1, HOME, "Marche/running")
    run_worker(conn, NOT_FOUND, name="estimate")
    assert cache.pending_requests(conn, "estimate") == []
    conn.execute("UPDATE rh_employees SET adresse_complete = %s", [ELSEWHERE])
    assert len(cache.pending_requests(conn, "estimate")) == 1


def test_provider_outage_fails_the_remaining_requests_without_sending_them(conn: postgres.Connection) -> None:
    for number in range(5):
        insert_employee(conn, number, f"{number} rue du Test, 34000 Montpellier", "Marche/running")
    assert len(run_worker(conn, OK_RESULT, ProviderUnavailable("HTTP 429"))) == 2
    assert sorted(row[1:] for row in cached_distances(conn)) == [("failed", None, "HTTP 429")] * 4 + [
        ("ok", 7_000, None)
    ]


def test_google_failure_does_not_reuse_the_cached_estimate(conn: postgres.Connection) -> None:
    insert_employee(conn, 1, HOME, "Marche/running")
    run_worker(conn, OK_RESULT, name="estimate")
    run_worker(conn, FAILED_RESULT, name="google")
    assert cached_distances(conn) == [("estimate", "ok", 7_000, None), ("google", "failed", None, "no route")]


def test_estimates_without_a_key_are_saved_in_one_transaction(conn: postgres.Connection, database: Settings) -> None:
    insert_employee(conn, 1, HOME, "Marche/running")
    insert_employee(conn, 2, ELSEWHERE, "Vélo/Trottinette/Autres")
    insert_employee(conn, 3, "Mas de l'Oubli, 34700 Trou-Perdu", "Vélo/Trottinette/Autres")
    assert worker.run_once(database.model_copy(update={"api_key_maps": None})) == {"ok": 2, "not_found": 1}
    assert len({xmin for _, xmin in row_versions(conn)}) == 1
