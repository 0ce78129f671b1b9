-- Debezium's own tables, and the procedure that captures one. What another login may read is granted beside each table.
CREATE OR REPLACE PROCEDURE public.capture(captured regclass) LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (
    SELECT FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid
    WHERE p.pubname = 'rh_sport' AND r.prrelid = captured
  ) THEN
    EXECUTE format('ALTER PUBLICATION rh_sport ADD TABLE %s', captured);
  END IF;
  EXECUTE format('GRANT SELECT ON %s TO rh_sport_capture', captured);
END $$;

CREATE TABLE IF NOT EXISTS cdc.heartbeat (id int PRIMARY KEY, beat_at timestamptz NOT NULL);
CREATE TABLE IF NOT EXISTS cdc.signal (id text PRIMARY KEY, type text NOT NULL, data text);
-- Pending snapshots of version 0.1.0 get today's prefix; one that is there under both keeps the newer row.
UPDATE cdc.signal AS old SET id = 'pending:' || substr(old.id, 6)
  WHERE starts_with(old.id, 'owed:')
    AND NOT EXISTS (SELECT FROM cdc.signal AS new WHERE new.id = 'pending:' || substr(old.id, 6));
DELETE FROM cdc.signal WHERE starts_with(id, 'owed:');
REVOKE ALL ON cdc.heartbeat, cdc.signal FROM PUBLIC, rh_sport_worker, rh_sport_reader;
GRANT SELECT, INSERT, UPDATE, DELETE ON cdc.heartbeat, cdc.signal TO rh_sport_capture;
CALL public.capture('cdc.heartbeat');
CALL public.capture('cdc.signal');
