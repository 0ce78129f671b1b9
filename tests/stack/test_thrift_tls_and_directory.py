"""A Thrift server with a certificate answers nobody in clear; one with a directory lets its groups' members in."""

import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from pydantic import SecretStr

from lakehouse.local.service_addresses import on_free_ports
from lakehouse.local.stack import Stack
from lakehouse.serving.client import CONNECTION_ERRORS, QueryError, execute, query
from lakehouse.serving.user_file import save_user
from lakehouse.settings import Settings
from support.slapd import BASE, DIRECTORY_PASSWORD, SLAPD, directory
from support.thrift_connection import is_let_in, login_is_accepted, reader

FEW_ITERATIONS = 1_000
PEOPLE = ("ana", "bob", "chloe", "dan", "emile", "marie", "admin", "owner")
GROUPS = {
    "rh": f"objectClass: groupOfNames\nmember: uid=ana,ou=people,{BASE}\nmember: uid=admin,ou=people,{BASE}\n"
    f"member: uid=marie,ou=people,{BASE}\nmember: uid=owner,ou=people,{BASE}",
    "direction": f"objectClass: groupOfUniqueNames\nuniqueMember: uid=bob,ou=people,{BASE}\n"
    f"uniqueMember: uid=ana,ou=people,{BASE}\nuniqueMember: uid=emile,ou=people,{BASE}",
    "other": f"objectClass: groupOfNames\nmember: uid=dan,ou=people,{BASE}",
}
needs_slapd = pytest.mark.skipif(SLAPD is None, reason="OpenLDAP's slapd is not installed")


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Yield the settings of a Thrift server that has a certificate, a user marie and, with slapd, a directory."""
    home = tmp_path_factory.mktemp("guarded")
    certificate = create_certificate(home / "tls")
    update: dict[str, object] = {
        "thrift_certificate": certificate,
        "thrift_certificate_password": SecretStr("of the store"),
    }
    with ExitStack() as services:
        if SLAPD:
            update["ldap_url"] = services.enter_context(directory(home / "ldap", PEOPLE, GROUPS))
            update["ldap_user_dn"] = f"uid={{user}},ou=people,{BASE}"
            update["ldap_role_rh"] = f"cn=rh,ou=groups,{BASE}"
            update["ldap_role_direction"] = f"cn=direction,ou=groups,{BASE}"
        stack = Stack(home, on_free_ports(home).model_copy(update=update))
        save_user(stack.settings.thrift_users_file, "marie", "rh", "of the file", FEW_ITERATIONS)
        services.callback(stack.down)
        stack.up("spark-thrift")  # ready once the owner is answered, over TLS
        yield stack.settings


def create_certificate(folder: Path) -> Path:
    """Return a PKCS12 file of a new certificate, by the commands of docs/access.md."""
    folder.mkdir()
    key, certificate, store = folder / "key.pem", folder / "thrift.crt", folder / "thrift.p12"
    subject = ("-subj", "/CN=rh-server.example.com", "-addext", "subjectAltName=DNS:rh-server.example.com")
    files = ("-keyout", str(key), "-out", str(certificate))
    create = ("openssl", "req", "-x509", "-newkey", "rsa:3072", "-nodes", "-days", "2", *subject, *files)
    export = ("openssl", "pkcs12", "-export", "-inkey", str(key), "-in", str(certificate), "-out", str(store))
    for command in (create, (*export, "-passout", "pass:of the store")):
        subprocess.run(command, capture_output=True, check=True)
    return store


def test_login_in_clear_is_refused_where_there_is_a_certificate(guarded: Settings) -> None:
    for message in (b"\0marie\0of the file", b"\0admin\0x"):
        with suppress(ConnectionResetError):
            assert not login_is_accepted(guarded, message)
    assert not is_let_in(guarded.model_copy(update={"thrift_certificate": None}), "marie", "of the file")


def test_user_of_the_file_is_answered_over_tls_and_another_password_is_not(guarded: Settings) -> None:
    with reader(guarded, "marie", "of the file") as cursor:
        assert execute(cursor, "SELECT 1").rows == [(1,)]
    assert not is_let_in(guarded, "marie", "of the fil")


def test_certificate_is_verified_by_the_client_and_old_protocols_are_refused(guarded: Settings) -> None:
    address = (guarded.thrift_host, guarded.thrift_port)
    with socket.create_connection(address) as plain, pytest.raises(ssl.SSLCertVerificationError):
        ssl.create_default_context().wrap_socket(plain, server_hostname="rh-server.example.com")
    trusting = ssl.create_default_context(cafile=str(guarded.thrift_certificate_pem))
    with (
        socket.create_connection(address) as plain,
        trusting.wrap_socket(plain, server_hostname="rh-server.example.com") as encrypted,
    ):
        assert encrypted.version() in {"TLSv1.2", "TLSv1.3"}
    assert "PRIVATE KEY" not in guarded.thrift_certificate_pem.read_text(encoding="ascii")
    other = guarded.model_copy(update={"thrift_owner_file": create_certificate(guarded.jvm_temp_dir / "other")})
    other.thrift_certificate_pem.write_bytes((guarded.jvm_temp_dir / "other" / "thrift.crt").read_bytes())
    with pytest.raises(CONNECTION_ERRORS), reader(other, "marie", "of the file"):
        pass


@needs_slapd
def test_member_of_a_group_has_its_role_and_nobody_else_is_let_in(guarded: Settings) -> None:
    with reader(guarded, "ana", DIRECTORY_PASSWORD) as cursor:  # in both groups
        assert ("default",) in execute(cursor, "SHOW DATABASES").rows
    assert is_let_in(guarded, "bob", DIRECTORY_PASSWORD)
    for password in ("another", "", " ", "x", "\0"):
        assert not is_let_in(guarded, "ana", password), password
    for user in ("chloe", "dan", "nobody", "*", "a*", "ana,ou=people", "ana)(uid=*", ""):
        assert not is_let_in(guarded, user, DIRECTORY_PASSWORD), user
    assert not is_let_in(guarded, "nobody", "")


@needs_slapd
def test_directory_knows_nobody_who_is_in_the_file_and_none_of_the_servers_own_names(guarded: Settings) -> None:
    for user in ("marie", "Marie", "admin", "ADMIN", "owner", "Owner"):
        assert not is_let_in(guarded, user, DIRECTORY_PASSWORD), user
    for password in ("", "x", "anonymous"):
        assert not is_let_in(guarded, "admin", password)
    assert query(guarded, "SELECT 1", as_owner=True).rows == [(1,)]


@needs_slapd
def test_session_of_the_directory_ends_where_the_file_gets_the_name(guarded: Settings) -> None:
    with reader(guarded, "emile", DIRECTORY_PASSWORD) as cursor:
        assert execute(cursor, "SELECT 1").rows == [(1,)]
        save_user(guarded.thrift_users_file, "emile", "rh", "of the file", FEW_ITERATIONS)
        assert not is_let_in(guarded, "emile", DIRECTORY_PASSWORD)
        assert is_let_in(guarded, "emile", "of the file")
        with pytest.raises(QueryError, match="This login has ended"):
            execute(cursor, "SELECT 1")
