"""Law 8 in Postgres: each role may run the statements of its work, and no others."""

from collections.abc import Mapping

import pytest
from pydantic import SecretStr

from lakehouse.passwords import Password, read_password
from lakehouse.settings import Settings
from lakehouse.source import roles
from lakehouse.source.postgres import Connection, connect, errors

PASSWORD_SETTINGS: Mapping[str, Password] = {
    roles.CAPTURE_ROLE: "db_capture_password",
    roles.WORKER_ROLE: "db_worker_password",
    roles.READER_ROLE: "db_reader_password",
}


def _connect_as(role: str, database: Settings) -> Connection:
    password = SecretStr(read_password(database, PASSWORD_SETTINGS[role]))
    return connect(database.model_copy(update={"db_user": role, "db_password": password}), autocommit=True)


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        (roles.WORKER_ROLE, "SELECT id, nom, prenom, adresse_complete, moyen_deplacement FROM rh_employees"),
        (roles.WORKER_ROLE, "DELETE FROM ops.slack_outbox"),
        (roles.WORKER_ROLE, "SELECT FROM ops.go_live"),
        (roles.READER_ROLE, "SELECT salaire_brut FROM rh_employees"),
        (roles.READER_ROLE, "SELECT status FROM ops.slack_outbox"),
        (roles.CAPTURE_ROLE, "SELECT salaire_brut FROM rh_employees"),
        (
            roles.CAPTURE_ROLE,
            "INSERT INTO cdc.heartbeat VALUES (1, now()) ON CONFLICT (id) DO UPDATE SET beat_at = now()",
        ),
    ],
)
def test_role_may_run_the_statements_of_its_work(database: Settings, role: str, statement: str) -> None:
    with _connect_as(role, database) as conn:
        conn.execute(statement)


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        (roles.WORKER_ROLE, "SELECT salaire_brut FROM rh_employees"),
        (roles.WORKER_ROLE, "SELECT date_naissance FROM rh_employees"),
        (roles.WORKER_ROLE, "UPDATE rh_employees SET nom = nom"),
        (roles.WORKER_ROLE, "DELETE FROM ops.go_live"),
        (roles.READER_ROLE, "DELETE FROM strava_activities"),
        (roles.READER_ROLE, "INSERT INTO ops.go_live VALUES (true, now())"),
        (roles.READER_ROLE, "SELECT FROM cdc.signal"),
        (roles.CAPTURE_ROLE, "DELETE FROM strava_activities"),
        (roles.CAPTURE_ROLE, "SELECT FROM ops.slack_outbox"),
    ],
)
def test_role_may_not_run_other_statements(database: Settings, role: str, statement: str) -> None:
    with _connect_as(role, database) as conn, pytest.raises(errors.InsufficientPrivilege):
        conn.execute(statement)


def test_only_the_capture_role_has_replication(database: Settings) -> None:
    with connect(database) as conn:
        rights = conn.execute(
            "SELECT rolname, rolreplication, rolsuper FROM pg_roles WHERE rolname = ANY(%s)", [[*PASSWORD_SETTINGS]]
        ).fetchall()
    assert sorted(rights) == [
        (roles.CAPTURE_ROLE, True, False),
        (roles.READER_ROLE, False, False),
        (roles.WORKER_ROLE, False, False),
    ]
