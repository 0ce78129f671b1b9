"""The outbox, in Postgres: pending messages, sent messages and dead letters."""

from collections.abc import Sequence
from typing import NamedTuple

from lakehouse.contracts import STRAVA_ACTIVITIES
from lakehouse.retries import exponential_backoff
from lakehouse.slack import messages
from lakehouse.slack.change_events import UNAVAILABLE, ChangeEvent
from lakehouse.source.postgres import Connection, DataError, Error, Jsonb, errors, sql

NOTIFIER_LOCK_ID = 7_352_001  # arbitrary: no other advisory lock of this database has it

# Errors of a row that does not fit its table: it is skipped, so that it blocks no other row.
POISON_ERRORS = (DataError, errors.StatementTooComplex, errors.ProgramLimitExceeded)

# Each row is cast to the types of its table; a TOASTed payload that the message leaves out is read from the table.
_SELECT_TO_ENQUEUE = """
    WITH change AS (
      SELECT activity.*, message.committed_at, message.n
      FROM unnest(%(rows)s::jsonb[], %(committed)s::timestamptz[]) WITH ORDINALITY AS message (after, committed_at, n),
      LATERAL jsonb_populate_record(
        NULL::public.strava_activities,
        after || jsonb_build_object('raw_payload', CASE WHEN after ->> 'raw_payload' = %(unavailable)s THEN (
          SELECT kept.raw_payload FROM public.strava_activities kept
          WHERE kept.activity_id = (after ->> 'activity_id')::bigint
        ) ELSE (after ->> 'raw_payload')::jsonb END)
      ) AS activity
    ), accepted AS (
      SELECT * FROM change WHERE {accepted}
    )
    SELECT accepted.activity_id, prenom, nom, sport_type, distance_m, moving_time_s, raw_payload ->> 'description'
    FROM accepted
    JOIN public.rh_employees employee ON employee.id = accepted.employee_id
    JOIN ops.go_live ON accepted.created_at > live_since
    WHERE accepted.private IS FALSE
      AND NOT EXISTS (SELECT FROM ops.slack_outbox there WHERE there.activity_id = accepted.activity_id)
    ORDER BY n
"""

_INSERT_PENDING = """
    INSERT INTO ops.slack_outbox (activity_id, message, enqueued_at)
    VALUES (%s, %s, now() + %s * interval '1 microsecond') ON CONFLICT (activity_id) DO NOTHING
"""

_SELECT_NEXT = """
    SELECT activity_id, message, attempts, extract(epoch FROM next_attempt_at - now())::float
    FROM ops.slack_outbox WHERE status = 'pending' ORDER BY enqueued_at, activity_id LIMIT 1
"""


class PendingMessage(NamedTuple):
    """The next message to send, and the seconds until it is due (0 or less: now)."""

    activity_id: int
    message: str
    attempts: int
    due_in: float


def is_live(conn: Connection) -> bool:
    """Return whether the first load has ended; before that, new activities cannot be distinguished from old ones."""
    return conn.execute("SELECT FROM ops.go_live").fetchone() is not None


def try_lock(conn: Connection) -> bool:
    """Acquire the notifier's advisory lock until the connection ends; return False where another notifier has it."""
    row = conn.execute("SELECT pg_try_advisory_lock(%s)", [NOTIFIER_LOCK_ID]).fetchone()
    return row is not None and bool(row[0])


def is_poison(error: Exception) -> bool:
    """Return whether an error of `enqueue` is its rows' own: any but Postgres's, and those of a row that does not fit.

    Postgres's other errors are an outage, or a missing column or right, which would hit every message.
    """
    return isinstance(error, POISON_ERRORS) or not isinstance(error, Error)


def enqueue(conn: Connection, changes: Sequence[ChangeEvent]) -> list[int]:
    """Insert a pending message for each new public activity, in the order of the changes, and return their ids.

    Raises an error that `is_poison` recognises where a row does not fit its table.
    """
    values = {
        "rows": [Jsonb(change.row) for change in changes],
        "committed": [change.committed_at for change in changes],
        "unavailable": UNAVAILABLE,
    }
    with conn.transaction():
        rows = conn.execute(_build_select(), values).fetchall()
        activities = [messages.AnnouncedActivity(*row) for row in rows]
        conn.execute_many(
            _INSERT_PENDING,
            [(activity.activity_id, messages.render_message(activity), n) for n, activity in enumerate(activities)],
        )
    return [activity.activity_id for activity in activities]


def next_pending(conn: Connection) -> PendingMessage | None:
    """Return the oldest pending message, due or not: later ones wait for it, so that the order is preserved."""
    row = conn.execute(_SELECT_NEXT).fetchone()
    return None if row is None else PendingMessage(*row)


def mark_sent(conn: Connection, pending: PendingMessage, response: str) -> None:
    conn.execute(
        "UPDATE ops.slack_outbox SET status = 'sent', sent_at = now(), attempts = attempts + 1, last_response = %s "
        "WHERE activity_id = %s",
        [response, pending.activity_id],
    )


def mark_dead(conn: Connection, pending: PendingMessage, response: str) -> None:
    conn.execute(
        "UPDATE ops.slack_outbox SET status = 'dead_letter', attempts = attempts + 1, last_response = %s "
        "WHERE activity_id = %s",
        [response, pending.activity_id],
    )


def schedule_retry(conn: Connection, pending: PendingMessage, response: str, retry_after: float | None) -> float:
    """Record a failed attempt, and return the seconds until the next: Slack's Retry-After, else a growing pause."""
    seconds = exponential_backoff(maximum=300.0)(pending.attempts + 1) if retry_after is None else retry_after
    conn.execute(
        "UPDATE ops.slack_outbox SET attempts = attempts + 1, last_response = %s, "
        "next_attempt_at = now() + make_interval(secs => %s) WHERE activity_id = %s",
        [response, seconds, pending.activity_id],
    )
    return seconds


def list_messages(conn: Connection) -> list[tuple[str, str, str | None]]:
    """Return all messages, the oldest first, as (status, message, Slack's last response)."""
    return conn.execute(
        "SELECT status, message, last_response FROM ops.slack_outbox ORDER BY enqueued_at, activity_id"
    ).fetchall()


def _build_select() -> sql.Composed:
    """Return the statement with the contract's validation rules in it."""
    rules = [sql.SQL(f"({rule.when.replace('%', '%%')}) IS NOT TRUE") for rule in STRAVA_ACTIVITIES.rules]
    return sql.SQL(_SELECT_TO_ENQUEUE).format(accepted=sql.SQL(" AND ").join(rules))
