-- Operational state that must not be lost; outside the publication.
CREATE SCHEMA IF NOT EXISTS ops;

-- Names of version 0.1.0, changed in place: a pending or dead message exists nowhere else.
DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass('ops.go_live') AND attname = 'only_one') THEN
    ALTER TABLE ops.go_live RENAME COLUMN only_one TO singleton;
  END IF;
  IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass('ops.slack_outbox') AND attname = 'owed_at') THEN
    ALTER TABLE ops.slack_outbox RENAME COLUMN owed_at TO enqueued_at;
    ALTER TABLE ops.slack_outbox RENAME COLUMN answer TO last_response;
    ALTER TABLE ops.slack_outbox DROP CONSTRAINT IF EXISTS slack_outbox_status_check;
    UPDATE ops.slack_outbox SET status = 'dead_letter' WHERE status = 'set_aside';
  END IF;
END
$$;

CREATE TABLE IF NOT EXISTS ops.go_live (
  singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  live_since timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS ops.slack_outbox (
  activity_id bigint PRIMARY KEY,
  message text NOT NULL,
  status text NOT NULL DEFAULT 'pending'
    CHECK (status IN ('pending', 'sent', 'dead_letter', 'withdrawn', 'expired')),
  attempts int NOT NULL DEFAULT 0,
  next_attempt_at timestamptz NOT NULL DEFAULT now(),
  last_response text,
  reason text, -- why it was withdrawn, or expired
  enqueued_at timestamptz NOT NULL DEFAULT now(),
  committed_at timestamptz NOT NULL DEFAULT now(), -- of the latest change of its activity that was read
  retried_at timestamptz, -- when a dead letter was made pending again
  sent_at timestamptz
);
-- Columns and statuses that version 0.2.0 lacks.
DO $$
BEGIN
  IF NOT EXISTS (
    SELECT FROM pg_attribute WHERE attrelid = 'ops.slack_outbox'::regclass AND attname = 'committed_at'
  ) THEN
    ALTER TABLE ops.slack_outbox
      ADD COLUMN reason text,
      ADD COLUMN committed_at timestamptz NOT NULL DEFAULT now(),
      ADD COLUMN retried_at timestamptz,
      DROP CONSTRAINT IF EXISTS slack_outbox_status_check,
      ADD CONSTRAINT slack_outbox_status_check
        CHECK (status IN ('pending', 'sent', 'dead_letter', 'withdrawn', 'expired'));
    UPDATE ops.slack_outbox SET committed_at = enqueued_at;
  END IF;
END
$$;
CREATE INDEX IF NOT EXISTS slack_outbox_pending
  ON ops.slack_outbox (enqueued_at, activity_id) WHERE status = 'pending';
-- Whether anything was ever sent.
CREATE INDEX IF NOT EXISTS slack_outbox_sent ON ops.slack_outbox (activity_id) WHERE status = 'sent';

CREATE TABLE IF NOT EXISTS ops.distance_retry (
  distance_id int PRIMARY KEY REFERENCES public.distance_cache (id) ON DELETE CASCADE,
  attempts int NOT NULL,
  next_attempt_at timestamptz NOT NULL
);

-- Random numbers that the lake has too: a Postgres without the lake's last one is older than what was read from it.
CREATE TABLE IF NOT EXISTS ops.lake_marks (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  mark uuid NOT NULL UNIQUE,
  lake text NOT NULL,
  written_at timestamptz NOT NULL DEFAULT now()
);

GRANT USAGE ON SCHEMA ops TO rh_sport_worker, rh_sport_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA ops TO rh_sport_worker, rh_sport_reader;
GRANT INSERT, UPDATE, DELETE ON ops.slack_outbox, ops.distance_retry TO rh_sport_worker;
GRANT INSERT, DELETE ON ops.lake_marks TO rh_sport_worker;
REVOKE INSERT, UPDATE, DELETE ON ops.go_live FROM rh_sport_worker;
