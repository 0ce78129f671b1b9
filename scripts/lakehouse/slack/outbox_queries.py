"""The outbox's larger statements, and the contract's rules in them."""

from lakehouse.contracts import STRAVA_ACTIVITIES
from lakehouse.source.postgres import sql

# Each row is cast to the types of its table; a TOASTed payload that the message leaves out is read from the table.
# A withdrawn message was never sent: its activity is announced once a later change makes it acceptable again.
SELECT_TO_ENQUEUE = """
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
      SELECT * FROM change WHERE {refusal} IS NULL
    )
    SELECT accepted.committed_at,
      accepted.activity_id, prenom, nom, sport_type, distance_m, moving_time_s, raw_payload ->> 'description',
      elapsed_time_s
    FROM accepted
    JOIN public.rh_employees employee ON employee.id = accepted.employee_id
    JOIN ops.go_live ON accepted.created_at > live_since
    WHERE NOT EXISTS (
      SELECT FROM ops.slack_outbox there
      WHERE there.activity_id = accepted.activity_id AND there.status <> 'withdrawn'
    )
    ORDER BY n
"""

INSERT_PENDING = """
    INSERT INTO ops.slack_outbox AS there (committed_at, activity_id, message, enqueued_at)
    VALUES (%s, %s, %s, now() + %s * interval '1 microsecond')
    ON CONFLICT (activity_id) DO UPDATE SET
      message = EXCLUDED.message, committed_at = EXCLUDED.committed_at, enqueued_at = EXCLUDED.enqueued_at,
      status = 'pending', attempts = 0, next_attempt_at = now(), last_response = NULL, reason = NULL, retried_at = NULL
    WHERE there.status = 'withdrawn'
"""

UPDATE_COMMIT_TIMES = """
    UPDATE ops.slack_outbox AS there SET committed_at = change.committed_at
    FROM (
      SELECT activity_id, max(committed_at) AS committed_at
      FROM unnest(%s::bigint[], %s::timestamptz[]) AS change (activity_id, committed_at) GROUP BY activity_id
    ) AS change
    WHERE there.activity_id = change.activity_id AND status = 'pending' AND there.committed_at < change.committed_at
"""

# The oldest pending message beside its activity as it is now. The contract's rules need the commit time of that row:
# a change whose event was not read yet has made it younger than the outbox knows. Postgres remembers it where
# track_commit_timestamp is on. The outbox's own time stands in for it elsewhere.
SELECT_NEXT = """
    WITH next AS (
      SELECT *, coalesce(retried_at, least(enqueued_at, committed_at)) AS waiting_since
      FROM ops.slack_outbox WHERE status = 'pending' AND activity_id <> ALL(%(excluded)s::bigint[])
      ORDER BY enqueued_at, activity_id LIMIT 1
    ), present AS (
      SELECT activity.*, coalesce(
        CASE WHEN current_setting('track_commit_timestamp') = 'on' THEN pg_xact_commit_timestamp(activity.xmin) END,
        next.committed_at
      ) AS committed_at
      FROM next JOIN public.strava_activities activity ON activity.activity_id = next.activity_id
    ), checked AS (
      SELECT *, {refusal} AS refusal FROM present
    )
    SELECT next.activity_id, next.attempts, extract(epoch FROM next.next_attempt_at - now())::float,
      CASE
        WHEN checked.activity_id IS NULL THEN 'deleted: the activity, or its employee and so the activity'
        WHEN employee.id IS NULL THEN 'deleted: the employee'
        ELSE refusal
      END,
      CASE WHEN waiting_since < now() - interval '1 day'
        AND NOT EXISTS (SELECT FROM ops.slack_outbox WHERE status = 'sent')
      THEN 'older than a day when the first message was to be sent' END,
      prenom, nom, sport_type, distance_m, moving_time_s, raw_payload ->> 'description', elapsed_time_s
    FROM next
    LEFT JOIN checked ON checked.activity_id = next.activity_id
    LEFT JOIN public.rh_employees employee ON employee.id = checked.employee_id
"""


def with_rules(statement: str) -> sql.Composed:
    """Return the statement with its `{refusal}`: why a row may not be announced, NULL where it may.

    The contract's rules name the row's columns and `committed_at` without a table.
    """
    refused = [
        sql.SQL("WHEN ({}) THEN {}").format(sql.SQL(rule.when.replace("%", "%%")), sql.Literal(f"refused: {rule.name}"))
        for rule in STRAVA_ACTIVITIES.rules
    ]
    private = sql.SQL("WHEN private IS NOT FALSE THEN 'private'")
    return sql.SQL(statement).format(refusal=sql.SQL("(CASE {} END)").format(sql.SQL(" ").join([private, *refused])))
