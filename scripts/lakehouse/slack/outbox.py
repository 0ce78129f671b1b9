"""The outbox, in Postgres: pending messages, and those that were sent, refused by Slack, withdrawn or expired."""

from collections.abc import Collection, Sequence
from typing import Literal, NamedTuple

from lakehouse.retries import exponential_backoff
from lakehouse.slack import messages, outbox_queries
from lakehouse.slack.change_events import UNAVAILABLE, ChangeEvent
from lakehouse.source.postgres import Connection, DataError, Error, Jsonb, errors

NOTIFIER_LOCK_ID = 7_352_001  # arbitrary: no other advisory lock of this database has it
# Statuses of messages that are not sent, each with a reason.
UNSENT_STATUSES = ("dead_letter", "withdrawn", "expired")
STATUSES = ("pending", "sent", *UNSENT_STATUSES)
MAX_PAUSE_S = 300.0

# Errors of a row that does not fit its table: it is skipped, so that it blocks no other row.
POISON_ERRORS = (DataError, errors.StatementTooComplex, errors.ProgramLimitExceeded)


class Closure(NamedTuple):
    """The end of a message that is not sent any more, and why. The reason carries no personal data."""

    status: Literal["withdrawn", "expired"]
    reason: str


class PendingMessage(NamedTuple):
    """The next message to send, and the seconds until it is due (0 or less: now).

    Its text is of the activity as it is now. A message with a closure is not to be sent.
    """

    activity_id: int
    message: str
    attempts: int
    due_in: float
    closure: Closure | None = None


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
    committed = [change.committed_at for change in changes]
    values = {"rows": [Jsonb(change.row) for change in changes], "committed": committed, "unavailable": UNAVAILABLE}
    with conn.transaction():
        rows = conn.execute(outbox_queries.with_rules(outbox_queries.SELECT_TO_ENQUEUE), values).fetchall()
        activities = [(committed_at, messages.AnnouncedActivity(*row)) for committed_at, *row in rows]
        conn.execute_many(
            outbox_queries.INSERT_PENDING,
            [
                (committed_at, activity.activity_id, messages.render_message(activity), n)
                for n, (committed_at, activity) in enumerate(activities)
            ],
        )
        conn.execute(
            outbox_queries.UPDATE_COMMIT_TIMES, [[int(change.row["activity_id"]) for change in changes], committed]
        )
    return [activity.activity_id for _, activity in activities]


def next_pending(conn: Connection, excluded: Collection[int] = ()) -> PendingMessage | None:
    """Return the oldest pending message, due or not: later ones wait for it, so that the order is preserved.

    Its rules are checked and its text is rendered again, from the rows as they are now. `excluded` are activities
    whose messages are passed over.
    """
    row = conn.execute(outbox_queries.with_rules(outbox_queries.SELECT_NEXT), {"excluded": [*excluded]}).fetchone()
    if row is None:
        return None
    activity_id, attempts, due_in, withdrawal, expiry, *fields = row
    if withdrawal:
        return PendingMessage(activity_id, "", attempts, due_in, Closure("withdrawn", withdrawal))
    message = messages.render_message(messages.AnnouncedActivity(activity_id, *fields))
    return PendingMessage(activity_id, message, attempts, due_in, Closure("expired", expiry) if expiry else None)


def close(conn: Connection, pending: PendingMessage, closure: Closure) -> None:
    """Record that a message is not sent any more. A withdrawn one loses its text, which no longer holds."""
    conn.execute(
        "UPDATE ops.slack_outbox SET status = %s, reason = %s, message = %s WHERE activity_id = %s",
        [closure.status, closure.reason, pending.message, pending.activity_id],
    )


def mark_sent(conn: Connection, pending: PendingMessage, response: str) -> None:
    """Record that Slack has the message, with the text that was sent."""
    conn.execute(
        "UPDATE ops.slack_outbox SET status = 'sent', sent_at = now(), attempts = attempts + 1, last_response = %s, "
        "message = %s WHERE activity_id = %s",
        [response, pending.message, pending.activity_id],
    )


def mark_dead(conn: Connection, pending: PendingMessage, response: str) -> None:
    """Record that Slack refuses the message itself, with the text that was refused."""
    conn.execute(
        "UPDATE ops.slack_outbox SET status = 'dead_letter', attempts = attempts + 1, last_response = %s, "
        "message = %s WHERE activity_id = %s",
        [response, pending.message, pending.activity_id],
    )


def mark_refused_dead(conn: Connection, refused: PendingMessage) -> None:
    """Record that Slack refuses a message whose refusal is recorded already, since it accepted another."""
    conn.execute(
        "UPDATE ops.slack_outbox SET status = 'dead_letter' WHERE activity_id = %s AND status = 'pending'",
        [refused.activity_id],
    )


def schedule_retry(
    conn: Connection,
    pending: PendingMessage,
    response: str,
    retry_after: float | None,
    also_waiting: PendingMessage | None = None,
) -> float:
    """Record a failed attempt, and return the seconds until the next: Slack's Retry-After, else a growing pause.

    `also_waiting` is a message that is due no sooner than the failed one.
    """
    attempts = max(pending.attempts, also_waiting.attempts if also_waiting else 0) + 1
    seconds = exponential_backoff(maximum=MAX_PAUSE_S)(attempts) if retry_after is None else retry_after
    conn.execute(
        "UPDATE ops.slack_outbox SET attempts = attempts + 1, last_response = %s, message = %s, "
        "next_attempt_at = now() + make_interval(secs => %s) WHERE activity_id = %s",
        [response, pending.message, seconds, pending.activity_id],
    )
    if also_waiting:
        conn.execute(
            "UPDATE ops.slack_outbox "
            "SET next_attempt_at = greatest(next_attempt_at, now() + make_interval(secs => %s)) WHERE activity_id = %s",
            [seconds, also_waiting.activity_id],
        )
    return seconds


def retry_dead_letters(conn: Connection) -> int:
    """Make each dead letter pending again, at its old place in the order, and return their number."""
    return conn.execute(
        "UPDATE ops.slack_outbox SET status = 'pending', attempts = 0, next_attempt_at = now(), retried_at = now() "
        "WHERE status = 'dead_letter'"
    ).rowcount


def list_messages(conn: Connection) -> list[tuple[str, str, str | None]]:
    """Return all messages, the oldest first, as (status, message, reason of its end or Slack's last response).

    A withdrawn message has no text any more: the activity's id stands in its place.
    """
    return conn.execute(
        "SELECT status, CASE status WHEN 'withdrawn' THEN 'activity ' || activity_id ELSE message END, "
        "coalesce(reason, last_response) FROM ops.slack_outbox ORDER BY enqueued_at, activity_id"
    ).fetchall()


def count_by_status(conn: Connection) -> dict[str, int]:
    """Return the number of messages of each status, also where it is 0."""
    counts = dict(conn.execute("SELECT status, count(*) FROM ops.slack_outbox GROUP BY status").fetchall())
    return {status: counts.get(status, 0) for status in STATUSES}
