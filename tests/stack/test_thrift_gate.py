"""A reader over the Thrift port is answered from the views of gold, and refused everything else."""

from typing import Any

import pytest
from pyhive import exc, hive
from TCLIService import ttypes

from lakehouse.local.stack import Stack
from lakehouse.serving.client import QueryError, execute, open_session, query
from lakehouse.settings import Settings
from support.thrift_cases import NO_STATEMENTS, REFUSED_CONDITION, refusal, statements
from support.thrift_connection import connection, login_is_accepted

LIMIT_KEY = "spark.lakehouse.question.timeout"


def test_each_statement_of_the_list_is_refused_and_the_server_stays(stack: Stack) -> None:
    pid = next(service.pid for service in stack.status() if service.name == "spark-thrift")
    with open_session(stack.settings) as cursor:
        conditions = {sql: refusal(cursor, sql) for sql in statements("refused", stack.settings)}
        assert {
            sql: found for sql, found in conditions.items() if found not in {REFUSED_CONDITION, *NO_STATEMENTS}
        } == {}
        assert execute(cursor, "SELECT 1").rows == [(1,)]
    assert next(service.pid for service in stack.status() if service.name == "spark-thrift") == pid


def test_each_statement_of_the_other_list_is_answered(settings: Settings) -> None:
    with open_session(settings) as cursor:
        answers = {sql: execute(cursor, sql).columns for sql in statements("answered", settings)}
    assert answers["SELECT * FROM v_kpi"] == answers["TABLE gold.v_kpi"]


def test_query_of_a_view_is_no_statement_of_a_readers(settings: Settings) -> None:
    rows = query(settings, "DESCRIBE TABLE EXTENDED gold.v_prime_sportive").rows
    [text] = [value for name, value, _ in rows if name == "View Text"]
    with open_session(settings) as cursor:
        assert refusal(cursor, text) == REFUSED_CONDITION


def test_view_of_another_text_is_not_read_whatever_its_name_is(settings: Settings) -> None:
    """The owner's own statement is trusted, and so is the text in the place of the view."""
    query(settings, "CREATE OR REPLACE VIEW gold.v_essai AS SELECT 1 AS a", as_owner=True)
    try:
        assert query(settings, "SELECT * FROM gold.v_essai").rows == [(1,)]
        query(settings, "ALTER VIEW gold.v_essai AS SELECT 2 AS a", as_owner=True)
        with open_session(settings) as cursor:
            assert refusal(cursor, "SELECT * FROM gold.v_essai") == REFUSED_CONDITION
    finally:
        query(settings, "DROP VIEW gold.v_essai", as_owner=True)


@pytest.mark.parametrize(
    ("message", "accepted"),
    [
        (b"\0admin\0x", True),
        (b"\0admin\0anonymous", True),
        (b"\0admin\0", True),
        (b"admin\0x", True),
        (b"admin\0admin\0x", True),
        (b"owner\0admin\0x", False),
        (b"\0admin\0another", False),
        (b"\0owner\0x", False),
        (b"\0owner\0", False),
        (b"\0marie\0x", False),
        (b"\0Admin\0x", False),
        (b"\0admin/x\0x", False),
        (b"\0\0x", False),
        (b"x", False),
    ],
)
def test_only_admin_without_a_password_is_let_in(settings: Settings, message: bytes, accepted: bool) -> None:
    assert login_is_accepted(settings, message) == accepted


def test_settings_of_a_session_at_its_opening_are_not_applied_but_the_listed_one(settings: Settings) -> None:
    requested = {
        "set:hiveconf:spark.sql.ansi.enabled": "false",
        "spark.sql.ansi.enabled": "false",
        "set:hivevar:spark.sql.ansi.enabled": "false",
        "set:system:user.timezone": "Asia/Tokyo",
        "driver.of.somebody": "x",
        f"set:hiveconf:{LIMIT_KEY}": "1s",
        "use:database": "gold",
    }
    with connection(settings, requested) as opened:
        cursor = opened.cursor()
        assert execute(cursor, "SELECT current_database()").rows == [("default",)]  # PyHive's own USE comes after
        with pytest.raises(QueryError, match="DIVIDE_BY_ZERO"):
            execute(cursor, "SELECT 1 / 0")
        assert execute(cursor, f"SET {LIMIT_KEY}").rows == [(LIMIT_KEY, "1s")]


def test_listed_setting_of_a_session_cannot_name_a_variable_of_the_server(settings: Settings) -> None:
    with connection(settings, {f"set:hiveconf:{LIMIT_KEY}": "${env:PATH}"}) as opened:
        assert execute(opened.cursor(), f"SET {LIMIT_KEY}").rows == [(LIMIT_KEY, "60s")]


@pytest.mark.parametrize(
    "configuration",
    [
        {"hive.server2.proxy.user": "owner"},
        {"set:hiveconf:hive.server2.proxy.user": "owner"},
        {"use:database": "silver"},
        {"use:database": "gold; DROP VIEW gold.v_kpi"},
    ],
)
def test_session_for_another_user_or_database_is_refused(settings: Settings, configuration: dict[str, str]) -> None:
    with pytest.raises(exc.OperationalError, match=REFUSED_CONDITION), connection(settings, configuration):
        pass


OF_A_SESSION: dict[str, dict[str, Any]] = {
    "ExecuteStatement": {"statement": "SELECT 1"}, "GetInfo": {"infoType": 0}, "GetTypeInfo": {}, "GetCatalogs": {},
    "GetSchemas": {}, "GetTables": {}, "GetTableTypes": {}, "GetColumns": {}, "GetFunctions": {"functionName": "%"},
    "CloseSession": {},
}  # fmt: skip
OF_AN_OPERATION: dict[str, dict[str, Any]] = {
    "GetOperationStatus": {}, "GetResultSetMetadata": {}, "FetchResults": {"orientation": 0, "maxRows": 9},
    "CancelOperation": {}, "CloseOperation": {},
}  # fmt: skip


def call(opened: hive.Connection, name: str, **fields: Any) -> Any:
    """Return the server's response to a call of the Thrift protocol."""
    return getattr(opened.client, name)(getattr(ttypes, f"T{name}Req")(**fields))


def test_session_and_operation_of_another_connection_are_refused(settings: Settings) -> None:
    with connection(settings) as theirs, connection(settings) as ours:
        sql = "SELECT salaire_brut FROM gold.v_prime_sportive"
        session = {"sessionHandle": theirs.sessionHandle}
        operation = {"operationHandle": call(theirs, "ExecuteStatement", **session, statement=sql).operationHandle}
        for calls, handle in ((OF_A_SESSION, session), (OF_AN_OPERATION, operation)):
            for name, fields in calls.items():
                status = call(ours, name, **handle, **fields).status
                assert status.statusCode == ttypes.TStatusCode.ERROR_STATUS, name
                assert REFUSED_CONDITION in status.errorMessage, name
        own = call(theirs, "FetchResults", **operation, orientation=0, maxRows=9)
        assert own.status.statusCode == ttypes.TStatusCode.SUCCESS_STATUS


def test_metadata_calls_show_the_databases_and_views_of_a_reader(settings: Settings) -> None:
    def rows(name: str, **fields: Any) -> list[tuple[Any, ...]]:
        response = call(opened, name, sessionHandle=opened.sessionHandle, **fields)
        assert response.status.statusCode == ttypes.TStatusCode.SUCCESS_STATUS, response.status.errorMessage
        fetched = call(opened, "FetchResults", operationHandle=response.operationHandle, orientation=0, maxRows=10_000)
        columns = [column.stringVal.values for column in fetched.results.columns if column.stringVal]
        return list(zip(*columns, strict=True))

    with connection(settings) as opened:
        # Spark adds its own database of temporary views, which is empty: no reader can create one.
        assert {row[0] for row in rows("GetSchemas")} - {"global_temp"} == {"gold", "default"}
        assert ("gold", "v_kpi") in {row[1:3] for row in rows("GetTables", schemaName="%")}
        assert {row[1] for row in rows("GetTables", schemaName="%")} == {"gold"}
        assert {row[1] for row in rows("GetColumns", schemaName="%")} == {"gold"}
        token = call(opened, "GetDelegationToken", sessionHandle=opened.sessionHandle, owner="owner", renewer="owner")
        assert token.status.statusCode == ttypes.TStatusCode.ERROR_STATUS
