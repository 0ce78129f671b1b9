-- Operational state that must not be lost; outside the publication.
CREATE SCHEMA IF NOT EXISTS ops;

CREATE TABLE IF NOT EXISTS ops.go_live (
  only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
  live_since timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS ops.slack_outbox (
  activity_id bigint PRIMARY KEY,
  message text NOT NULL,
  status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'sent', 'set_aside')),
  attempts int NOT NULL DEFAULT 0,
  next_attempt_at timestamptz NOT NULL DEFAULT now(),
  answer text,
  owed_at timestamptz NOT NULL DEFAULT now(),
  sent_at timestamptz
);
CREATE INDEX IF NOT EXISTS slack_outbox_pending
  ON ops.slack_outbox (owed_at, activity_id) WHERE status = 'pending';

CREATE TABLE IF NOT EXISTS ops.distance_retry (
  distance_id int PRIMARY KEY REFERENCES public.distance_cache (id) ON DELETE CASCADE,
  attempts int NOT NULL,
  next_attempt_at timestamptz NOT NULL
);

GRANT USAGE ON SCHEMA ops TO rh_sport_worker, rh_sport_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA ops TO rh_sport_worker, rh_sport_reader;
GRANT INSERT, UPDATE, DELETE ON ops.slack_outbox, ops.distance_retry TO rh_sport_worker;
REVOKE INSERT, UPDATE, DELETE ON ops.go_live FROM rh_sport_worker;
