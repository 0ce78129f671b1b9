"""Other machines read the Thrift port with a login and encrypted, or the server does not start."""

import itertools
from pathlib import Path
from typing import Any

import pytest

from lakehouse.env_file import Assignment, EnvError
from lakehouse.environment import ENVIRONMENT_ONLY_VAR
from lakehouse.errors import BadInput, UsageError
from lakehouse.serving.access import CERTIFICATE_PASSWORD, check_access, prepare_access
from lakehouse.serving.server import prepare
from lakehouse.serving.user_file import remove_user, save_user
from lakehouse.settings import Settings
from lakehouse.variables import check_value, is_loopback

FEW_ITERATIONS = 1_000
EVERYWHERE = "0.0.0.0"  # noqa: S104 - what is refused
SECRET = "s3cret of the store"
LDAP = {"ldap_url": "ldaps://ldap", "ldap_user_dn": "uid={user},dc=x", "ldap_role_rh": "cn=rh,dc=x"}


@pytest.fixture
def users_file(tmp_path: Path) -> Path:
    return tmp_path / "users"


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    file = tmp_path / "thrift.p12"
    file.write_bytes(b"x")
    (tmp_path / "password").write_text(f"{SECRET}\n", encoding="utf-8")
    return file


def settings_of(users_file: Path, **values: Any) -> Settings:
    owner = users_file.parent / "owner"
    return Settings(_env_file=None, thrift_users_file=users_file, thrift_owner_file=owner, **values)  # type: ignore[call-arg]


@pytest.mark.parametrize(("has_user", "has_certificate"), [*itertools.product([False, True], repeat=2)])
@pytest.mark.parametrize("address", ["127.0.0.1", EVERYWHERE, "::", "192.168.1.10", "rh-server"])
def test_another_address_needs_a_user_and_a_certificate(
    users_file: Path, certificate: Path, address: str, has_user: bool, has_certificate: bool
) -> None:
    if has_user:
        save_user(users_file, "marie", "rh", "correct horse", FEW_ITERATIONS)
    tls = {"thrift_certificate": certificate, "thrift_certificate_password": SECRET} if has_certificate else {}
    settings = settings_of(users_file, thrift_bind=address, **tls)
    if address == "127.0.0.1" or (has_user and has_certificate):
        check_access(settings)
        return
    with pytest.raises(UsageError) as refused:
        check_access(settings)
    first, second = str(refused.value).splitlines()
    assert first.startswith("THRIFT_BIND opens salaries to other machines")
    assert ("a user" in first.split("Missing:")[1]) == (not has_user)
    assert ("THRIFT_CERTIFICATE" in first.split("Missing:")[1]) == (not has_certificate)
    assert "docs/access.md" in second


def test_server_that_would_be_open_is_not_prepared(users_file: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="THRIFT_BIND"):
        prepare(settings_of(users_file, thrift_bind=EVERYWHERE), tmp_path / "catalog")
    assert not (tmp_path / "catalog").exists()


def test_user_who_was_removed_opens_no_address(users_file: Path, certificate: Path) -> None:
    save_user(users_file, "marie", "rh", "correct horse", FEW_ITERATIONS)
    remove_user(users_file, "marie")
    tls = {"thrift_certificate": certificate, "thrift_certificate_password": SECRET}
    with pytest.raises(UsageError, match=r"Missing: a user\."):
        check_access(settings_of(users_file, thrift_bind=EVERYWHERE, **tls))


def test_file_with_another_line_stops_the_start(users_file: Path) -> None:
    users_file.write_text("marie\n", encoding="utf-8")
    with pytest.raises(BadInput, match="line 1"):
        check_access(settings_of(users_file))


def test_in_a_container_the_published_address_counts(users_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENVIRONMENT_ONLY_VAR, "yes")
    check_access(settings_of(users_file, thrift_bind=EVERYWHERE, thrift_publish="127.0.0.1"))
    with pytest.raises(UsageError, match="THRIFT_PUBLISH opens"):
        check_access(settings_of(users_file, thrift_bind=EVERYWHERE, thrift_publish=EVERYWHERE))


def test_outside_of_containers_the_published_address_hides_nothing(
    users_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(ENVIRONMENT_ONLY_VAR, raising=False)
    with pytest.raises(UsageError, match="THRIFT_BIND opens"):
        check_access(settings_of(users_file, thrift_bind=EVERYWHERE, thrift_publish="127.0.0.1"))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_address_of_this_machine_alone_is_one(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    [
        EVERYWHERE, "::", "10.0.0.1", "127.0.0.1.example.com", "localhost.example.com", "0", "128.0.0.1", "fe80::1", "",
        "127.1", "rh-server", "/var/run/x", "0.0.0.0/0", " 127.0.0.1",
    ],
)  # fmt: skip
def test_any_other_address_or_name_may_be_reached_by_others(host: str) -> None:
    assert not is_loopback(host)


def test_certificate_needs_its_file_and_password(users_file: Path, certificate: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="THRIFT_CERTIFICATE names no file"):
        check_access(settings_of(users_file, thrift_certificate=tmp_path / "none.p12"))
    with pytest.raises(UsageError, match="needs its password"):
        check_access(settings_of(users_file, thrift_certificate=certificate))
    with pytest.raises(UsageError, match="THRIFT_CERTIFICATE_PASSWORD_FILE cannot be read"):
        check_access(
            settings_of(users_file, thrift_certificate=certificate, thrift_certificate_password_file=tmp_path / "none")
        )


@pytest.mark.parametrize("source", ["file", "variable"])
def test_password_of_the_certificate_is_in_a_private_file_and_in_no_configuration(
    users_file: Path, certificate: Path, tmp_path: Path, source: str
) -> None:
    by = {"thrift_certificate_password": SECRET}
    if source == "file":
        by = {"thrift_certificate_password_file": str(tmp_path / "password")}
    settings = settings_of(users_file, thrift_certificate=certificate, **by)
    command = prepare(settings, tmp_path / "catalog")
    file = tmp_path / "catalog" / CERTIFICATE_PASSWORD
    assert file.read_text(encoding="utf-8") == SECRET
    assert file.stat().st_mode & 0o777 == 0o600
    conf = (tmp_path / "catalog" / "spark.conf").read_text(encoding="utf-8")
    assert f"spark.lakehouse.certificate.password.file={file}\n" in conf
    assert f"spark.lakehouse.users.file={users_file}\n" in conf
    assert SECRET not in conf + " ".join(command)


@pytest.mark.parametrize("absent", [("ldap_user_dn",), ("ldap_role_rh",)])
def test_directory_needs_a_bind_and_a_group(users_file: Path, absent: tuple[str, ...]) -> None:
    check_access(settings_of(users_file, **LDAP))
    with pytest.raises(UsageError, match="LDAP_URL needs LDAP_USER_DN"):
        check_access(settings_of(users_file, **{name: value for name, value in LDAP.items() if name not in absent}))


def test_directory_is_in_the_configuration_where_it_is_set_and_only_there(users_file: Path, tmp_path: Path) -> None:
    assert not [name for name in prepare_access(settings_of(users_file), tmp_path) if "ldap" in name]
    conf = prepare_access(settings_of(users_file, **LDAP), tmp_path)
    assert conf["spark.lakehouse.ldap.url"] == "ldaps://ldap"
    assert conf["spark.lakehouse.ldap.role.rh"] == "cn=rh,dc=x"
    assert conf["spark.lakehouse.ldap.role.direction"] == ""


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LDAP_URL", "ldap://127.0.0.1:389"), ("LDAP_URL", "ldaps://ldap.example.com"), ("LDAP_URL", "ldaps://[::1]:636/"),
        ("LDAP_USER_DN", "uid={user},ou=people,dc=example,dc=com"), ("LDAP_USER_DN", "{user}@example.com"),
        ("LDAP_ROLE_RH", "cn=rh"), ("LDAP_ROLE_RH", "cn=Ressources humaines,ou=équipes,dc=x"),
        ("LDAP_BASE_DN", r"ou=a\, b,dc=x"), ("THRIFT_PUBLISH", EVERYWHERE),
    ],
)  # fmt: skip
def test_setting_in_its_form_is_accepted(name: str, value: str) -> None:
    check_value(name, Assignment(value, ".env"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LDAP_URL", "http://ldap"), ("LDAP_URL", "ldap.example.com"), ("LDAP_URL", "ldap://me:secret@host"),
        ("LDAP_URL", "ldap://h/dc=x"), ("LDAP_URL", "ldap://a ldap://b"), ("LDAP_URL", "ldap://h:0"),
        ("LDAP_URL", "ldap://h:99999"), ("LDAP_URL", "ldap://h?x"), ("LDAP_URL", "rmi://h"),
        ("LDAP_USER_DN", "uid=marie,dc=x"), ("LDAP_USER_DN", "uid={user},cn={user}"), ("LDAP_USER_DN", "uid={name}"),
        ("LDAP_ROLE_RH", "rh"), ("LDAP_ROLE_RH", "cn="), ("LDAP_ROLE_RH", "cn=rh,"), ("LDAP_BASE_DN", "example.com"),
    ],
)  # fmt: skip
def test_setting_in_another_form_is_refused(name: str, value: str) -> None:
    with pytest.raises(EnvError):
        check_value(name, Assignment(value, ".env"))
