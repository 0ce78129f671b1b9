"""Law 8 in Postgres: whoever logs in may do what their work asks for, and nothing else."""

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege
from pydantic import SecretStr

from lakehouse.settings import Settings
from lakehouse.source import roles
from lakehouse.source.postgres import connect

PASSWORDS = {roles.CAPTURE: "capture", roles.WORKER: "worker", roles.READER: "reader"}


def _as(role: str, database: Settings) -> psycopg.Connection:
    own = database.model_copy(update={"db_user": role, "db_password": SecretStr(PASSWORDS[role])})
    return connect(own, autocommit=True)


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        (roles.WORKER, "SELECT id, nom, prenom, adresse_complete, moyen_deplacement FROM rh_employees"),
        (roles.WORKER, "DELETE FROM ops.slack_outbox"),
        (roles.WORKER, "SELECT FROM ops.go_live"),
        (roles.READER, "SELECT salaire_brut FROM rh_employees"),
        (roles.READER, "SELECT status FROM ops.slack_outbox"),
        (roles.CAPTURE, "SELECT salaire_brut FROM rh_employees"),
        (roles.CAPTURE, "INSERT INTO cdc.heartbeat VALUES (1, now()) ON CONFLICT (id) DO UPDATE SET beat_at = now()"),
    ],
)
def test_what_their_work_asks_for_they_may(database: Settings, role: str, statement: str) -> None:
    with _as(role, database) as conn:
        conn.execute(statement.encode())


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        (roles.WORKER, "SELECT salaire_brut FROM rh_employees"),
        (roles.WORKER, "SELECT date_naissance FROM rh_employees"),
        (roles.WORKER, "UPDATE rh_employees SET nom = nom"),
        (roles.WORKER, "DELETE FROM ops.go_live"),
        (roles.READER, "DELETE FROM strava_activities"),
        (roles.READER, "INSERT INTO ops.go_live VALUES (true, now())"),
        (roles.READER, "SELECT FROM cdc.signal"),
        (roles.CAPTURE, "DELETE FROM strava_activities"),
        (roles.CAPTURE, "SELECT FROM ops.slack_outbox"),
    ],
)
def test_anything_else_they_may_not(database: Settings, role: str, statement: str) -> None:
    with _as(role, database) as conn, pytest.raises(InsufficientPrivilege):
        conn.execute(statement.encode())


def test_only_debezium_may_read_postgres_log(database: Settings) -> None:
    with connect(database) as conn:
        rights = conn.execute(
            "SELECT rolname, rolreplication, rolsuper FROM pg_roles WHERE rolname = ANY(%s)", [[*PASSWORDS]]
        ).fetchall()
    assert sorted(rights) == [
        (roles.CAPTURE, True, False),
        (roles.READER, False, False),
        (roles.WORKER, False, False),
    ]
