"""The questions that are open, and their answers, in Postgres: the worker keeps nothing else."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import psycopg

from lakehouse.contracts import TRAVEL_MODES
from lakehouse.distance.providers import Answer, Question
from lakehouse.waiting import pauses

MINUTE, DAY = 60.0, 86_400.0
# An entry of a unique index takes no more than 2,704 bytes; what is longer is no address, and could never be noted.
LONGEST = 2_500

# Without its retry a failed question is due at once.
_OPEN = """
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

_NOTE = """
    INSERT INTO public.distance_cache AS cached
      (origin_address, destination_address, travel_mode, provider, distance_m, duration_s, status, error_message)
    VALUES (%(origin)s, %(destination)s, %(travel_mode)s, %(provider)s, %(m)s, %(s)s, %(status)s, %(reason)s)
    ON CONFLICT (origin_address, destination_address, travel_mode, provider) DO UPDATE
      SET (distance_m, duration_s, status, error_message, last_updated)
        = (excluded.distance_m, excluded.duration_s, excluded.status, excluded.error_message, now())
      WHERE (cached.distance_m, cached.duration_s, cached.status, cached.error_message)
        IS DISTINCT FROM (excluded.distance_m, excluded.duration_s, excluded.status, excluded.error_message)
"""

_FIND = """
    SELECT id FROM public.distance_cache
    WHERE (origin_address, destination_address, travel_mode, provider)
        = (%(origin)s, %(destination)s, %(travel_mode)s, %(provider)s)
"""

_RETRY = f"""
    INSERT INTO ops.distance_retry (distance_id, attempts, next_attempt_at)
    SELECT id, %(attempts)s, now() + make_interval(secs => %(wait)s) FROM ({_FIND}) AS cached
    ON CONFLICT (distance_id) DO UPDATE SET (attempts, next_attempt_at) = (excluded.attempts, excluded.next_attempt_at)
"""  # noqa: S608 - made of constants

_NO_RETRY = f"DELETE FROM ops.distance_retry WHERE distance_id IN ({_FIND})"  # noqa: S608 - made of constants


class Open(NamedTuple):
    """A question without a final answer, how often it failed, and in how many seconds it is asked again."""

    question: Question
    attempts: int
    due_in: float


def open_questions(conn: psycopg.Connection, provider: str) -> list[Open]:
    """Give what employees of today, under the rules of today (in Paris), leave open for this provider."""
    modes = {"declared": list(TRAVEL_MODES), "modes": list(TRAVEL_MODES.values())}
    rows = conn.execute(_OPEN, {**modes, "provider": provider, "longest": LONGEST}).fetchall()
    return [Open(Question(*row[:3]), attempts=row[3], due_in=row[4]) for row in rows]


def note(conn: psycopg.Connection, provider: str, answers: Iterable[tuple[Open, Answer]]) -> None:
    """Note answers, and when failures are asked again, in one transaction; what changes nothing is not written."""
    rows = [_row(provider, asked, answer) for asked, answer in answers]
    with conn.transaction(), conn.cursor() as cursor:
        cursor.executemany(_NOTE, rows)
        cursor.executemany(_RETRY, [row for row in rows if row["status"] == "failed"])
        cursor.executemany(_NO_RETRY, [row for row in rows if row["status"] != "failed" and row["attempts"] > 1])


def _row(provider: str, asked: Open, answer: Answer) -> dict[str, Any]:
    attempts = asked.attempts + 1
    return {
        "origin": asked.question.origin,
        "destination": asked.question.destination,
        "travel_mode": asked.question.travel_mode,
        "provider": provider,
        "m": answer.distance_m,
        "s": answer.duration_s,
        "status": answer.status,
        "reason": _kept(answer.reason),
        "attempts": attempts,
        "wait": pauses(first=MINUTE, longest=DAY)(attempts),
    }


def _kept(reason: str | None) -> str | None:
    """Give a provider's words as Postgres can keep them: a failure that cannot be noted is asked without end."""
    return None if reason is None else reason.encode(errors="replace").decode().replace("\0", "")
