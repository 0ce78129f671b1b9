"""Law: what a stack listens on is documented, is on this machine alone, and lets nobody in without credentials.

Kafka and Connect are asked in test_kafka_access.py and test_connect_access.py.
"""

import json
import socket
import struct
import subprocess
import xmlrpc.client
from collections import Counter, defaultdict
from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest

from lakehouse.local.postgres_server import binary_path
from lakehouse.local.service_addresses import LOCALHOST, port_of
from lakehouse.local.stack import Stack
from lakehouse.serving.client import QueryError, query
from lakehouse.settings import Settings
from lakehouse.source.roles import PASSWORD_NAMES
from support.port_table import documented_ports
from support.processes import read_family
from support.thrift_connection import is_let_in
from support.timing import seconds

SUPERVISORD = "supervisord"
# Longer than a token, and with lines: whoever waits for one of them answers at once.
BODY = 32 * b"none\n"
# Of Spark's transport (network-common): a frame's length, the type, the request's number, the body's length, the body.
RPC_REQUEST = struct.pack(">QBQI", 8 + 1 + 8 + 4 + len(BODY), 3, 7, len(BODY)) + BODY
# The batch's function, with a wrong number of arguments: an answer would have its traceback.
PY4J_CALL = b"c\np0\ncall\ni1\ne\n" + BODY


# What each kind of question could start in the server.
QUESTIONS = (
    "SELECT * FROM gold.v_kpi",
    "SELECT * FROM gold.v_essay",
    "SELECT * FROM essay.v_kpi",
    "SELECT * FROM csv.`/etc/hosts`",
    "SELECT essay(1)",
    "SELECT * FROM essay(1)",
    "SELECT transform('x') USING 'cat'",
    "DESCRIBE gold.v_essay",
    "SHOW FUNCTIONS",
)


def ask_all(settings: Settings) -> None:
    """Ask the Thrift server what it answers, and what it does not know or refuses."""
    for as_owner in (False, True):
        for question in QUESTIONS:
            with suppress(QueryError):
                query(settings, question, as_owner=as_owner)


@pytest.fixture(scope="module")
def listening(stack: Stack) -> Mapping[str, list[tuple[str, int]]]:
    """Return the addresses on which each service and its children listen, once the Thrift server has been asked."""
    ask_all(stack.settings)
    supervisord = psutil.Process(int((stack.home / "run" / "supervisord.pid").read_text(encoding="utf-8")))
    names = {supervisord.pid: SUPERVISORD} | {one.pid: one.name for one in stack.status() if one.pid}
    found: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for family, connections in read_family(supervisord, _pids_and_connections):
        [name, *_] = [names[pid] for pid in family if pid in names]
        for connection in connections:
            if connection.status == psutil.CONN_LISTEN or not connection.raddr:
                found[name].append((connection.laddr.ip.removeprefix("::ffff:"), connection.laddr.port))
    return found


def _pids_and_connections(process: psutil.Process) -> tuple[list[int], list[Any]]:
    return [one.pid for one in (process, *process.parents())], process.net_connections(kind="inet")


def _configured_port(settings: Settings, variable: str) -> int:
    value = getattr(settings, variable.lower())
    return value if isinstance(value, int) else port_of(value)


def _unnamed(listening: Mapping[str, list[tuple[str, int]]], settings: Settings, service: str) -> list[int]:
    named = {_configured_port(settings, port.variable) for port in documented_ports("local") if port.variable}
    return [port for _, port in listening[service] if port not in named]


def test_what_listens_is_what_the_table_has(listening: Mapping[str, list[tuple[str, int]]], settings: Settings) -> None:
    table = documented_ports("local")
    assert {address for ports in listening.values() for address, _ in ports} == {LOCALHOST}
    named = {(port.service, _configured_port(settings, port.variable)) for port in table if port.variable}
    assert named <= {(service, port) for service, ports in listening.items() for _, port in ports}
    unnamed = {service: len(_unnamed(listening, settings, service)) for service in listening}
    documented = Counter(port.service for port in table if not port.variable)
    assert Counter({service: count for service, count in unnamed.items() if count}) == documented


@pytest.mark.parametrize("user", ["postgres", *PASSWORD_NAMES])
def test_postgres_lets_no_login_in_without_its_password(settings: Settings, user: str) -> None:
    psql = [str(binary_path("psql")), "-wAtc", "SELECT 1", "-h", settings.db_host, "-p", str(settings.db_port)]
    for password in (None, "", "postgres", user):
        login = {} if password is None else {"PGPASSWORD": password}
        completed = subprocess.run(
            [*psql, "-U", user, settings.db_name], env=login, capture_output=True, text=True, check=False
        )
        assert completed.returncode == 2
        assert "password" in completed.stderr


@pytest.mark.parametrize("user", ["marie", "owner", ""])
def test_thrift_server_lets_no_other_name_in(settings: Settings, user: str) -> None:
    assert not is_let_in(settings, user, "x")


def test_supervisord_refuses_who_has_not_its_password(stack: Stack) -> None:
    url = json.loads((stack.home / "run" / "supervisor.json").read_text(encoding="utf-8"))["url"]
    port = urlsplit(url).port
    for login in ("", "local:@", "local:local@", "root:x@"):
        with (
            xmlrpc.client.ServerProxy(f"http://{login}{LOCALHOST}:{port}/RPC2") as server,
            pytest.raises(xmlrpc.client.ProtocolError, match="401"),
        ):
            server.supervisor.getState()
    for path in ("/", "/index.html?action=stopall", "/logtail/postgres", "/mainlogtail"):
        page = HTTPConnection(LOCALHOST, port, timeout=seconds(10))
        page.request("GET", path)
        assert page.getresponse().status == HTTPStatus.UNAUTHORIZED, path
        page.close()
    with xmlrpc.client.ServerProxy(url) as server:
        assert server.supervisor.getState()


@pytest.mark.parametrize(("service", "others"), [("spark-thrift", 0), ("stream-processor", 3)])
def test_port_of_a_jvm_answers_nobody_without_its_secret(
    listening: Mapping[str, list[tuple[str, int]]], settings: Settings, service: str, others: int
) -> None:
    """The driver's port and that of the blocks ask for SASL; py4j's and PySpark's, the others, for a token."""
    answers = {port: _exchange(port, RPC_REQUEST) for port in _unnamed(listening, settings, service)}
    with_secret = [port for port, answer in answers.items() if b"Expected SaslMessage" in answer]
    assert len(with_secret) == 2, answers
    calls = [_exchange(port, PY4J_CALL) for port in answers if port not in with_secret]
    assert len(calls) == others
    assert not [answer for answer in calls if answer.startswith(b"!y") or b"Traceback" in answer], "a call was executed"


def _exchange(port: int, message: bytes) -> bytes:
    """Send a message, and return the answer: empty where the connection is closed, or nothing comes."""
    with socket.create_connection((LOCALHOST, port), timeout=seconds(3)) as connection:
        connection.sendall(message)
        try:
            return connection.recv(10_000)
        except (TimeoutError, ConnectionResetError):
            return b""
