-- Roles without a password, the publication, and the tables of Debezium itself. Idempotent, like every file here:
-- Postgres runs them once on an empty volume, pipeline.py runs them again at each load.
DO $$
DECLARE
  wanted text;
BEGIN
  FOREACH wanted IN ARRAY ARRAY['rh_sport_capture', 'rh_sport_worker', 'rh_sport_reader'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
      EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
    END IF;
  END LOOP;
  IF NOT EXISTS (SELECT FROM pg_publication WHERE pubname = 'rh_sport') THEN
    CREATE PUBLICATION rh_sport;
  END IF;
  -- A line in the server's log for each statement of a reader, without its text. Only a superuser may set it, or undo it.
  IF current_setting('is_superuser') = 'on' THEN
    ALTER ROLE rh_sport_reader SET log_duration = on;
  END IF;
END $$;

CREATE OR REPLACE PROCEDURE public.capture(captured regclass) LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (
    SELECT FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid
    WHERE p.pubname = 'rh_sport' AND r.prrelid = captured
  ) THEN
    EXECUTE format('ALTER PUBLICATION rh_sport ADD TABLE %s', captured);
  END IF;
  EXECUTE format('GRANT SELECT ON %s TO rh_sport_capture, rh_sport_worker, rh_sport_reader', captured);
END $$;

CREATE SCHEMA IF NOT EXISTS cdc;
CREATE TABLE IF NOT EXISTS cdc.heartbeat (id int PRIMARY KEY, beat_at timestamptz NOT NULL);
CREATE TABLE IF NOT EXISTS cdc.signal (id text PRIMARY KEY, type text NOT NULL, data text);
-- Pending snapshots of version 0.1.0 get today's prefix; one that is there under both keeps the newer row.
UPDATE cdc.signal AS old SET id = 'pending:' || substr(old.id, 6)
  WHERE starts_with(old.id, 'owed:')
    AND NOT EXISTS (SELECT FROM cdc.signal AS new WHERE new.id = 'pending:' || substr(old.id, 6));
DELETE FROM cdc.signal WHERE starts_with(id, 'owed:');
GRANT USAGE ON SCHEMA cdc TO rh_sport_capture;
GRANT SELECT, INSERT, UPDATE, DELETE ON cdc.heartbeat, cdc.signal TO rh_sport_capture;
CALL public.capture('cdc.heartbeat');
CALL public.capture('cdc.signal');
