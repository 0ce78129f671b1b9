"""Pending distance requests and their results, in Postgres; the worker has no other state."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from lakehouse.contracts import TRAVEL_MODES
from lakehouse.distance.providers import DistanceRequest, DistanceResult
from lakehouse.retries import exponential_backoff
from lakehouse.source.postgres import Connection

FIRST_RETRY_S, MAX_RETRY_S = 60.0, 86_400.0
# Postgres limits an entry of a unique index to 2,704 bytes: a longer text is no address, and could never be saved.
MAX_INDEX_ENTRY_BYTES = 2_500

# A failed request without a row in ops.distance_retry is due at once.
_SELECT_PENDING = """
    SELECT DISTINCT e.adresse_complete, rule.destination, means.travel_mode, coalesce(retry.attempts, 0),
           greatest(0, extract(epoch FROM coalesce(retry.next_attempt_at, now()) - now()))::float
    FROM public.rh_employees e
    JOIN unnest(%(declared)s::text[], %(modes)s::text[]) AS means (declared, travel_mode)
      ON means.declared = e.moyen_deplacement
    CROSS JOIN (
      SELECT destination FROM public.reward_rules
      WHERE valid_from <= (now() AT TIME ZONE 'Europe/Paris')::date ORDER BY valid_from DESC LIMIT 1
    ) AS rule
    LEFT JOIN public.distance_cache cached
      ON (cached.origin_address, cached.destination_address, cached.travel_mode, cached.provider)
       = (e.adresse_complete, rule.destination, means.travel_mode, %(provider)s)
    LEFT JOIN ops.distance_retry retry ON retry.distance_id = cached.id
    WHERE btrim(e.adresse_complete) <> ''
      AND octet_length(e.adresse_complete) + octet_length(rule.destination) <= %(longest)s
      AND (cached.id IS NULL OR cached.status = 'failed')
"""

_UPSERT_RESULT = """
    INSERT INTO public.distance_cache AS cached
      (origin_address, destination_address, travel_mode, provider, distance_m, duration_s, status, error_message)
    VALUES (%(origin)s, %(destination)s, %(travel_mode)s, %(provider)s, %(m)s, %(s)s, %(status)s, %(reason)s)
    ON CONFLICT (origin_address, destination_address, travel_mode, provider) DO UPDATE
      SET (distance_m, duration_s, status, error_message, last_updated)
        = (excluded.distance_m, excluded.duration_s, excluded.status, excluded.error_message, now())
      WHERE (cached.distance_m, cached.duration_s, cached.status, cached.error_message)
        IS DISTINCT FROM (excluded.distance_m, excluded.duration_s, excluded.status, excluded.error_message)
"""

_SELECT_ID = """
    SELECT id FROM public.distance_cache
    WHERE (origin_address, destination_address, travel_mode, provider)
        = (%(origin)s, %(destination)s, %(travel_mode)s, %(provider)s)
"""

_UPSERT_RETRY = f"""
    INSERT INTO ops.distance_retry (distance_id, attempts, next_attempt_at)
    SELECT id, %(attempts)s, now() + make_interval(secs => %(wait)s) FROM ({_SELECT_ID}) AS cached
    ON CONFLICT (distance_id) DO UPDATE SET (attempts, next_attempt_at) = (excluded.attempts, excluded.next_attempt_at)
"""  # noqa: S608 - constants only

_DELETE_RETRY = f"DELETE FROM ops.distance_retry WHERE distance_id IN ({_SELECT_ID})"  # noqa: S608 - constants only


class PendingRequest(NamedTuple):
    """A request without a final result, its number of failed attempts, and the seconds until the next attempt."""

    request: DistanceRequest
    attempts: int
    due_in: float


def pending_requests(conn: Connection, provider: str) -> list[PendingRequest]:
    """Return the provider's pending requests: current employees, under the reward rule in force today in Paris."""
    modes = {"declared": list(TRAVEL_MODES), "modes": list(TRAVEL_MODES.values())}
    rows = conn.execute(_SELECT_PENDING, {**modes, "provider": provider, "longest": MAX_INDEX_ENTRY_BYTES}).fetchall()
    return [PendingRequest(DistanceRequest(*row[:3]), attempts=row[3], due_in=row[4]) for row in rows]


def save_results(conn: Connection, provider: str, results: Iterable[tuple[PendingRequest, DistanceResult]]) -> None:
    """Upsert results, and the retry times of failures, in one transaction.

    A result equal to the stored one is not written.
    """
    rows = [_row(provider, pending, result) for pending, result in results]
    with conn.transaction():
        conn.execute_many(_UPSERT_RESULT, rows)
        conn.execute_many(_UPSERT_RETRY, [row for row in rows if row["status"] == "failed"])
        conn.execute_many(_DELETE_RETRY, [row for row in rows if row["status"] != "failed" and row["attempts"] > 1])


def _row(provider: str, pending: PendingRequest, result: DistanceResult) -> dict[str, Any]:
    attempts = pending.attempts + 1
    return {
        "origin": pending.request.origin,
        "destination": pending.request.destination,
        "travel_mode": pending.request.travel_mode,
        "provider": provider,
        "m": result.distance_m,
        "s": result.duration_s,
        "status": result.status,
        "reason": _to_storable_text(result.reason),
        "attempts": attempts,
        "wait": exponential_backoff(initial=FIRST_RETRY_S, maximum=MAX_RETRY_S)(attempts),
    }


def _to_storable_text(reason: str | None) -> str | None:
    """Return the text without NUL and lone surrogates.

    Postgres rejects both, and a failure that cannot be saved is retried without end.
    """
    return None if reason is None else reason.encode(errors="replace").decode().replace("\0", "")
