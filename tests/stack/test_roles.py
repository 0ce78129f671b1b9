"""Law 8 in Postgres: each login may run the statements of its work, and no others."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from lakehouse.distance import cache
from lakehouse.settings import Settings
from lakehouse.slack import outbox
from lakehouse.source import roles
from lakehouse.source.ddl import apply_ddl
from lakehouse.source.postgres import Connection, connect, errors
from stack.activity_events import insert_employee, insert_go_live
from stack.databases import fresh_database

SELECT_EMPLOYEES = "SELECT {} FROM public.rh_employees"
CACHE_ROW = (
    "INSERT INTO public.distance_cache (origin_address, destination_address, travel_mode, provider, status) "
    "VALUES ('a', 'b', 'walking', 'estimate', 'ok')"
)
TAKE_LOCK = "SELECT pg_advisory_unlock(1) FROM pg_advisory_lock(1)"
# Statements that nobody but a superuser, or a member of one of Postgres's own roles, may run.
OUT_OF_THE_DATABASE = (
    "COPY (SELECT 1) TO PROGRAM 'cat'",
    "COPY cdc.heartbeat FROM PROGRAM 'id'",
    "COPY (SELECT 1) TO '/nowhere/file'",
    "COPY cdc.heartbeat FROM '/etc/passwd'",
    "SELECT pg_read_file('postgresql.auto.conf')",
    "SELECT pg_read_binary_file('global/pg_control')",
    "SELECT pg_ls_dir('.')",
    "SELECT pg_ls_logdir()",
    "SELECT pg_stat_file('postgresql.auto.conf')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT lo_export(1, '/nowhere/file')",
    "SELECT lo_from_bytea(0, 'filling the disk')",
    "SELECT lo_create(0)",
    "SELECT pg_logical_emit_message(false, 'noise', 'filling the WAL')",
    "ALTER SYSTEM SET log_connections = off",
    "SELECT pg_reload_conf()",
    "SET log_duration = off",
    "SET ROLE {administrator}",
    "SET SESSION AUTHORIZATION {administrator}",
    "ALTER ROLE CURRENT_USER SUPERUSER",
    "ALTER ROLE {administrator} PASSWORD 'mine'",
    "GRANT pg_read_server_files TO CURRENT_USER",
    "CREATE ROLE another LOGIN",
    "CREATE DATABASE another",
    "CREATE FUNCTION public.f() RETURNS int LANGUAGE c AS '/nowhere/file', 'f'",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{administrator}'",
)
# What a database of before this version looks like, and what somebody may have granted by mistake.
AS_OF_BEFORE = """
    ALTER PUBLICATION rh_sport OWNER TO CURRENT_USER;
    ALTER TABLE public.rh_employees OWNER TO CURRENT_USER;
    ALTER TABLE public.distance_cache OWNER TO CURRENT_USER;
    ALTER TABLE ops.slack_outbox OWNER TO CURRENT_USER;
    ALTER PROCEDURE public.capture OWNER TO CURRENT_USER;
    GRANT SELECT ON public.rh_employees, ops.slack_outbox TO rh_sport_worker, rh_sport_reader, PUBLIC;
    GRANT ALL ON public.distance_cache TO rh_sport_worker, rh_sport_notifier;
    GRANT EXECUTE ON FUNCTION pg_advisory_lock(bigint), pg_read_file(text) TO PUBLIC;
    GRANT CREATE ON SCHEMA public TO PUBLIC;
    ALTER ROLE rh_sport_worker SUPERUSER CREATEROLE REPLICATION;
    GRANT pg_execute_server_program TO rh_sport_loader;
    GRANT pg_read_all_data TO rh_sport_reader;
"""
OWNERS = """
    SELECT rolname FROM pg_class JOIN pg_roles AS owner ON owner.oid = relowner
    WHERE relnamespace IN ('public'::regnamespace, 'cdc'::regnamespace, 'ops'::regnamespace)
    UNION SELECT rolname FROM pg_publication JOIN pg_roles AS owner ON owner.oid = pubowner
"""


@pytest.fixture(scope="module")
def company(settings: Settings) -> Iterator[Settings]:
    """Yield one database for the whole file, with one employee: no test changes a row of it."""
    with fresh_database(settings) as database:
        with connect(database, autocommit=True) as conn:
            insert_employee(conn, 10)
            insert_go_live(conn)
        yield database


def _connect_as(role: str, database: Settings) -> Connection:
    return connect(roles.as_login(database, role), autocommit=True)


def _run_and_roll_back(conn: Connection, *statements: str) -> None:
    with closing(conn):
        conn.autocommit = False
        for statement in statements:
            conn.execute(statement)


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        (roles.LOADER_ROLE, "UPDATE public.rh_employees SET nom = nom"),
        (roles.LOADER_ROLE, "ALTER TABLE public.rh_employees ADD COLUMN later text"),
        (roles.LOADER_ROLE, "CREATE TABLE public.later (id int PRIMARY KEY); CALL public.capture('public.later')"),
        (roles.LOADER_ROLE, "CREATE TEMP TABLE staged (id int)"),
        (roles.LOADER_ROLE, "SELECT setval('ops.leases_number_seq', 5)"),
        (roles.LOADER_ROLE, "SELECT cdc.drop_slot('no such slot')"),
        (roles.LOADER_ROLE, TAKE_LOCK),
        (roles.WORKER_ROLE, "INSERT INTO ops.leases (lake_id, lake_uri, job, backend_pid) VALUES ('', '', '', 1)"),
        (roles.WORKER_ROLE, "DELETE FROM ops.lake_commits"),
        (roles.WORKER_ROLE, TAKE_LOCK),
        (roles.DISTANCE_ROLE, SELECT_EMPLOYEES.format("adresse_complete, moyen_deplacement")),
        (roles.DISTANCE_ROLE, CACHE_ROW),
        (roles.NOTIFIER_ROLE, SELECT_EMPLOYEES.format("id, nom, prenom")),
        (roles.NOTIFIER_ROLE, "UPDATE ops.slack_outbox SET status = 'sent'"),
        (roles.NOTIFIER_ROLE, "SELECT FROM ops.go_live"),
        (roles.NOTIFIER_ROLE, TAKE_LOCK),
        (roles.READER_ROLE, SELECT_EMPLOYEES.format("id, business_unit, salaire_brut, moyen_deplacement")),
        (roles.READER_ROLE, "SELECT distance_m, sport_type FROM public.strava_activities"),
        (roles.READER_ROLE, "SELECT status FROM ops.slack_outbox"),
        (roles.READER_ROLE, "SELECT distance_m FROM public.distance_cache"),
        (roles.CAPTURE_ROLE, SELECT_EMPLOYEES.format("*")),
        (
            roles.CAPTURE_ROLE,
            "INSERT INTO cdc.heartbeat VALUES (1, now()) ON CONFLICT (id) DO UPDATE SET beat_at = now()",
        ),
    ],
)
def test_login_may_run_the_statements_of_its_work(company: Settings, role: str, statement: str) -> None:
    _run_and_roll_back(_connect_as(role, company), statement)


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        *(
            (roles.WORKER_ROLE, SELECT_EMPLOYEES.format(column))
            for column in ("id", "nom", "adresse_complete", "salaire_brut")
        ),
        (roles.WORKER_ROLE, "SELECT FROM public.strava_activities"),
        (roles.WORKER_ROLE, "SELECT message FROM ops.slack_outbox"),
        (roles.WORKER_ROLE, CACHE_ROW),
        *(
            (roles.DISTANCE_ROLE, SELECT_EMPLOYEES.format(column))
            for column in ("id", "nom", "prenom", "salaire_brut", "*")
        ),
        (roles.DISTANCE_ROLE, "SELECT FROM public.strava_activities"),
        (roles.DISTANCE_ROLE, "SELECT bonus_rate FROM public.reward_rules"),
        (roles.DISTANCE_ROLE, "UPDATE public.reward_rules SET destination = ''"),
        (roles.DISTANCE_ROLE, "SELECT FROM ops.slack_outbox"),
        (roles.DISTANCE_ROLE, TAKE_LOCK),
        *(
            (roles.NOTIFIER_ROLE, SELECT_EMPLOYEES.format(column))
            for column in ("adresse_complete", "salaire_brut", "date_naissance", "moyen_deplacement", "*")
        ),
        (roles.NOTIFIER_ROLE, "SELECT FROM public.distance_cache"),
        (roles.NOTIFIER_ROLE, CACHE_ROW),
        (roles.NOTIFIER_ROLE, "DELETE FROM ops.slack_outbox"),
        (roles.NOTIFIER_ROLE, "DELETE FROM ops.go_live"),
        (roles.NOTIFIER_ROLE, "UPDATE public.strava_activities SET private = false"),
        *(
            (roles.READER_ROLE, SELECT_EMPLOYEES.format(column))
            for column in ("nom", "prenom", "adresse_complete", "date_naissance", "*")
        ),
        (roles.READER_ROLE, "SELECT raw_payload FROM public.strava_activities"),
        (roles.READER_ROLE, "SELECT origin_address FROM public.distance_cache"),
        (roles.READER_ROLE, "SELECT message FROM ops.slack_outbox"),
        (roles.READER_ROLE, "SELECT FROM ops.lake_commits"),
        (roles.READER_ROLE, "SELECT FROM cdc.signal"),
        (roles.READER_ROLE, "DELETE FROM public.strava_activities"),
        (roles.READER_ROLE, CACHE_ROW),
        (roles.READER_ROLE, "CREATE TABLE public.mine (id int)"),
        (roles.READER_ROLE, "CREATE TEMP TABLE mine (id int)"),
        (roles.READER_ROLE, TAKE_LOCK),
        (roles.READER_ROLE, "SELECT pg_try_advisory_xact_lock_shared(1, 2)"),
        (roles.CAPTURE_ROLE, "DELETE FROM public.strava_activities"),
        (roles.CAPTURE_ROLE, CACHE_ROW),
        (roles.CAPTURE_ROLE, "SELECT FROM ops.slack_outbox"),
        (roles.CAPTURE_ROLE, TAKE_LOCK),
        *((role, "SELECT cdc.drop_slot('any')") for role in roles.ROLE_NAMES if role != roles.LOADER_ROLE),
    ],
)
def test_login_may_not_run_other_statements(company: Settings, role: str, statement: str) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        _run_and_roll_back(_connect_as(role, company), statement)


@pytest.mark.parametrize("statement", OUT_OF_THE_DATABASE)
def test_no_login_reaches_programs_files_or_other_logins(company: Settings, statement: str) -> None:
    text = statement.format(administrator=company.db_user)
    for role in roles.ROLE_NAMES:
        with _connect_as(role, company) as conn, pytest.raises(errors.InsufficientPrivilege):
            conn.execute(text)


def test_workers_do_their_work_with_their_own_logins(company: Settings) -> None:
    with connect(roles.as_distance_worker(company), autocommit=True) as conn:
        assert cache.pending_requests(conn, "estimate") == []
    with connect(roles.as_notifier(company), autocommit=True) as conn:
        assert outbox.try_lock(conn)
        assert outbox.is_live(conn)
        assert outbox.enqueue(conn, []) == []
        assert outbox.next_pending(conn) is None
        assert outbox.count_by_status(conn)["pending"] == 0


def test_loader_owns_everything_and_only_the_administrator_is_a_superuser(database: Settings) -> None:
    with connect(database, autocommit=True) as conn:
        conn.execute(AS_OF_BEFORE)
        for _ in range(2):
            apply_ddl(database)
        assert conn.execute(OWNERS).fetchall() == [(roles.LOADER_ROLE,)]
        rights = "SELECT rolname, rolreplication FROM pg_roles WHERE rolname = ANY(%s) AND {} ORDER BY 1"
        powers = "(rolsuper OR rolcreaterole OR rolcreatedb OR rolbypassrls)"
        assert conn.execute(rights.format(powers), [[*roles.ROLE_NAMES]]).fetchall() == []
        replicating = conn.execute(rights.format("rolreplication"), [[*roles.ROLE_NAMES]]).fetchall()
        assert replicating == [(roles.CAPTURE_ROLE, True)]
    for role, statement in (
        (roles.WORKER_ROLE, SELECT_EMPLOYEES.format("nom")),
        (roles.WORKER_ROLE, CACHE_ROW),
        (roles.NOTIFIER_ROLE, CACHE_ROW),
        (roles.READER_ROLE, SELECT_EMPLOYEES.format("nom")),
        (roles.READER_ROLE, "SELECT message FROM ops.slack_outbox"),
        (roles.READER_ROLE, "SELECT pg_advisory_lock(1)"),
        (roles.READER_ROLE, "SELECT pg_read_file('postgresql.auto.conf')"),
        (roles.READER_ROLE, "CREATE TABLE public.mine (id int)"),
        (roles.LOADER_ROLE, "COPY (SELECT 1) TO PROGRAM 'cat'"),
    ):
        with pytest.raises(errors.InsufficientPrivilege):
            _run_and_roll_back(_connect_as(role, database), statement)


def test_code_of_the_loader_never_runs_as_the_administrator(database: Settings) -> None:
    """A trigger or a function of the owner's would otherwise make its owner a superuser at a load."""
    with _connect_as(roles.LOADER_ROLE, database) as conn:
        conn.execute(
            """
            CREATE TABLE public.ran_as (is_superuser text);
            CREATE FUNCTION public.note() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
              INSERT INTO public.ran_as VALUES (current_setting('is_superuser'));
              RETURN NULL;
            END $$;
            CREATE TRIGGER note AFTER DELETE ON cdc.signal FOR EACH STATEMENT EXECUTE FUNCTION public.note();
            CREATE FUNCTION public.starts_with(name, text) RETURNS boolean LANGUAGE plpgsql AS $$
            BEGIN
              INSERT INTO public.ran_as VALUES (current_setting('is_superuser'));
              RETURN false;
            END $$;
            """
        )
        apply_ddl(database)
        assert {value for (value,) in conn.execute("SELECT is_superuser FROM public.ran_as").fetchall()} == {"off"}


def test_loader_drops_an_idle_slot_of_its_database_and_no_other(database: Settings, company: Settings) -> None:
    slots = "SELECT count(*) FROM pg_replication_slots WHERE slot_name = 'of_roles'"
    with connect(database, autocommit=True) as conn:
        conn.execute("SELECT pg_create_logical_replication_slot('of_roles', 'pgoutput')")
        with _connect_as(roles.LOADER_ROLE, company) as loader:
            loader.execute("SELECT cdc.drop_slot('of_roles')")
        assert conn.execute(slots).fetchone() == (1,)
        with _connect_as(roles.LOADER_ROLE, database) as loader:
            loader.execute("SELECT cdc.drop_slot('of_roles')")
        assert conn.execute(slots).fetchone() == (0,)
