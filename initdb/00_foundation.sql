-- What only the administrator may do: logins without a password, the owner of the tables, the publication, and what
-- everybody loses. Idempotent, like every file here: Postgres runs them once on an empty volume, as a superuser.
-- At each load, pipeline.py runs this one as DB_USER, and the others as the loader.
DO $$
DECLARE
  wanted text;
  granted text;
BEGIN
  FOREACH wanted IN ARRAY ARRAY[
    'rh_sport_loader', 'rh_sport_capture', 'rh_sport_worker', 'rh_sport_distance', 'rh_sport_notifier',
    'rh_sport_reader'
  ] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
      EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
    END IF;
    IF current_setting('is_superuser') = 'on' THEN
      EXECUTE format('ALTER ROLE %I NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS', wanted);
      -- Programs and files of the server's machine, every table, other sessions: nobody's by membership.
      FOR granted IN
        SELECT given.rolname FROM pg_auth_members AS membership
        JOIN pg_roles AS given ON given.oid = membership.roleid
        JOIN pg_roles AS member ON member.oid = membership.member
        WHERE member.rolname = wanted AND (given.rolsuper OR starts_with(given.rolname, 'pg_'))
          AND (wanted, given.rolname) <> ('rh_sport_loader', 'pg_read_all_stats')
      LOOP
        EXECUTE format('REVOKE %I FROM %I', granted, wanted);
      END LOOP;
    END IF;
  END LOOP;
  -- A line in the server's log for each statement of a reader, without its text. Only a superuser may set it, or undo it.
  IF current_setting('is_superuser') = 'on' THEN
    ALTER ROLE rh_sport_reader SET log_duration = on;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_publication WHERE pubname = 'rh_sport') THEN
    CREATE PUBLICATION rh_sport;
  END IF;
  ALTER PUBLICATION rh_sport OWNER TO rh_sport_loader;
  -- How long others have had a transaction open: the creation of a slot waits for them.
  GRANT pg_read_all_stats TO rh_sport_loader;
END $$;

CREATE SCHEMA IF NOT EXISTS cdc;
CREATE SCHEMA IF NOT EXISTS ops;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public, cdc, ops TO rh_sport_loader;
GRANT USAGE ON SCHEMA cdc TO rh_sport_capture;
GRANT USAGE ON SCHEMA ops TO rh_sport_worker, rh_sport_distance, rh_sport_notifier, rh_sport_reader;

-- To drop a slot, a login needs REPLICATION, which reads every table. The loader may drop an idle one of its database.
CREATE OR REPLACE FUNCTION cdc.drop_slot(name) RETURNS void
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
    SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots
    WHERE slot_name = $1 AND database = current_database() AND plugin = 'pgoutput'
  $$;
REVOKE ALL ON FUNCTION cdc.drop_slot(name) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION cdc.drop_slot(name) TO rh_sport_loader;

-- Tables and functions that a superuser owns, as in each database of before, get their owner here.
DO $$
DECLARE
  owned text;
BEGIN
  FOR owned IN
    SELECT format('%s %s', CASE class.relkind WHEN 'v' THEN 'VIEW' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END,
      format('%I.%I', nspname, relname))
    FROM pg_class AS class
    JOIN pg_namespace AS namespace ON namespace.oid = relnamespace
    JOIN pg_roles AS owner ON owner.oid = relowner
    WHERE nspname IN ('public', 'cdc', 'ops') AND relkind IN ('r', 'p', 'v', 'S') AND (rolsuper OR rolname = current_user)
      -- A column's sequence goes with its table, and an extension keeps what is its own.
      AND NOT EXISTS (
        SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = class.oid AND deptype IN ('a', 'i', 'e')
      )
    UNION ALL
    SELECT format('ROUTINE %s', routine.oid::regprocedure)
    FROM pg_proc AS routine
    JOIN pg_namespace AS namespace ON namespace.oid = pronamespace
    JOIN pg_roles AS owner ON owner.oid = proowner
    WHERE nspname IN ('public', 'cdc', 'ops') AND NOT prosecdef AND (rolsuper OR rolname = current_user)
      AND NOT EXISTS (
        SELECT FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid = routine.oid AND deptype = 'e'
      )
  LOOP
    EXECUTE format('ALTER %s OWNER TO rh_sport_loader', owned);
  END LOOP;
END $$;

-- An advisory lock is a writer's lease: whoever takes one stops the stream, the refresh or the notifier. Temporary
-- tables, large objects and messages in the WAL fill the server's disk, and nothing of ours counts them.
DO $$
DECLARE
  routine regprocedure;
BEGIN
  EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
  EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO rh_sport_loader', current_database());
  IF current_setting('is_superuser') = 'on' THEN
    FOR routine IN
      SELECT oid FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND (
        proname ~ '^(lo_|lowrite$)' OR proname ~ '^pg_(try_)?advisory_'
        OR proname ~ '^pg_(read_file|read_binary_file|stat_file|ls_.*dir|logical_emit_message)$'
      )
    LOOP
      EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', routine);
    END LOOP;
    FOR routine IN
      SELECT oid FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND proname ~ '^pg_(try_)?advisory_'
    LOOP
      EXECUTE format(
        'GRANT EXECUTE ON FUNCTION %s TO rh_sport_loader, rh_sport_worker, rh_sport_notifier', routine
      );
    END LOOP;
  END IF;
END $$;
