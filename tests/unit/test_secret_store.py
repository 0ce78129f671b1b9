"""Law: no password has a default; each is made once, in a private file of its own, and one of .env wins."""

import re
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from lakehouse import variables
from lakehouse.errors import NotReady, UsageError
from lakehouse.local import postgres_server
from lakehouse.local.secret_store import PASSWORDS, named_secrets, secret_path, with_password_files, write_secrets
from lakehouse.local.service_addresses import environment, on_free_ports
from lakehouse.local.stack import Stack
from lakehouse.passwords import read_password
from lakehouse.settings import ROOT, Settings

KEY, WEBHOOK = "AIzaFictive", "https://hooks.slack.com/services/T/B/x"


def _settings(**values: Any) -> Settings:
    return Settings(_env_file=None, **values)  # type: ignore[call-arg]


def _texts(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}


def test_no_secret_setting_has_a_default() -> None:
    secrets = [name for name, field in Settings.model_fields.items() if "SecretStr" in str(field.annotation)]
    assert {*PASSWORDS, "api_key_maps", "slack_webhook_url", "thrift_certificate_password"} == {*secrets}
    for name in secrets:
        assert Settings.model_fields[name].default is None
        assert f"{name}_file" in Settings.model_fields
        assert {name.upper(), f"{name}_FILE".upper()} <= variables.SETTING_VARIABLES.keys()


def test_no_text_of_the_checkout_has_a_default_password() -> None:
    files = [
        ROOT / ".env.example",
        *ROOT.glob("initdb/*"),
        *ROOT.glob("debezium/*.json"),
        *ROOT.glob("scripts/**/*.py"),
    ]
    pattern = re.compile(
        r"""(?i)\b(?:pg|db_\w*|postgres_)?password\b["']?\s*[:=]\s*(?:SecretStr\()?["']?[a-z0-9]{3,}["']?$"""
    )
    found = [
        (path.name, line)
        for path in files
        for line in path.read_text(encoding="utf-8").splitlines()
        if pattern.search(line.strip()) and not line.strip().startswith(("def ", "return "))
    ]
    assert found == []


def test_passwords_are_random_long_and_different_in_each_stack(tmp_path: Path) -> None:
    write_secrets(tmp_path / "a", {})
    write_secrets(tmp_path / "b", {})
    one, other = _texts(tmp_path / "a"), _texts(tmp_path / "b")
    assert one.keys() == {name.replace("_", "-") for name in PASSWORDS}
    every = [*one.values(), *other.values()]
    assert len({*every}) == len(every) == 2 * len(PASSWORDS)
    assert min(map(len, every)) >= 40


def test_only_the_owner_reads_them_and_what_was_opened_is_closed_again(tmp_path: Path) -> None:
    folder = tmp_path / "run" / "secrets"
    write_secrets(folder, {"api_key_maps": KEY})
    before = _texts(folder)
    folder.chmod(0o755)
    for path in folder.iterdir():
        path.chmod(0o644)
    write_secrets(folder, {"api_key_maps": KEY})
    assert _texts(folder) == before
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_password_stays_and_its_file_is_not_written_again(tmp_path: Path) -> None:
    write_secrets(tmp_path, {})
    before, inodes = _texts(tmp_path), {path: path.stat().st_ino for path in tmp_path.iterdir()}
    write_secrets(tmp_path, {})
    assert _texts(tmp_path) == before
    assert {path: path.stat().st_ino for path in tmp_path.iterdir()} == inodes


@pytest.mark.parametrize("content", [b"", b"\n", b"\r\n", b"\xff\xfe"])
def test_file_without_a_password_gets_one(tmp_path: Path, content: bytes) -> None:
    secret_path(tmp_path, "db_password").write_bytes(content)
    write_secrets(tmp_path, {})
    assert len(read_password(with_password_files(_settings(), tmp_path), "db_password")) >= 40


@pytest.mark.parametrize("text", ["hunter2", "it's $1 \\ 'so'", "  spaces  ", "é€🙂", "-x", '"', "a=b;c#d"])
def test_named_password_wins_and_stays_after_its_line_is_gone(tmp_path: Path, text: str) -> None:
    write_secrets(tmp_path, {})
    named = named_secrets(_settings(db_worker_password=SecretStr(text)), tmp_path)
    assert named == {"db_worker_password": text}
    write_secrets(tmp_path, named)
    settings = with_password_files(_settings(db_worker_password=SecretStr("another")), tmp_path)
    assert read_password(settings, "db_worker_password") == text, "as it is in Postgres, until the next start"
    write_secrets(tmp_path, {})
    assert read_password(settings, "db_worker_password") == text


def test_optional_secret_that_is_no_longer_named_has_no_file(tmp_path: Path) -> None:
    settings = _settings(api_key_maps=SecretStr(KEY), slack_webhook_url=SecretStr(WEBHOOK))
    write_secrets(tmp_path, named_secrets(settings, tmp_path))
    assert _texts(tmp_path).items() >= {"api-key-maps": KEY, "slack-webhook-url": WEBHOOK}.items()
    write_secrets(tmp_path, {})
    assert not {"api-key-maps", "slack-webhook-url"} & _texts(tmp_path).keys()


def test_password_in_a_file_of_the_users_own_is_a_named_one(tmp_path: Path) -> None:
    own = tmp_path / "from-a-vault"
    own.write_text("of the vault\n", encoding="utf-8")
    assert named_secrets(_settings(db_password_file=own), tmp_path / "secrets") == {"db_password": "of the vault"}
    with pytest.raises(NotReady, match="no DB_PASSWORD is set"):
        named_secrets(_settings(db_password_file=tmp_path / "none"), tmp_path / "secrets")
    assert named_secrets(on_free_ports(tmp_path), tmp_path / "run" / "secrets") == {}


@pytest.mark.parametrize("name", PASSWORDS)
def test_password_that_is_nowhere_is_an_error_that_says_what_to_do(tmp_path: Path, name: Any) -> None:
    settings = with_password_files(_settings(), tmp_path)
    with pytest.raises(NotReady, match=rf"no {name.upper()} is set, and .*No such file.*make up"):
        read_password(settings, name)
    secret_path(tmp_path, name).touch()
    with pytest.raises(NotReady, match="is empty"):
        read_password(settings, name)


def test_stack_and_its_commands_read_the_files_and_not_the_value_of_env(tmp_path: Path) -> None:
    named = on_free_ports(tmp_path).model_copy(update={"db_password": SecretStr("of .env")})
    stack = Stack(tmp_path, named)
    assert stack.settings.db_password is None
    variables = environment(stack.settings)
    assert variables["DB_PASSWORD_FILE"] == str(tmp_path / "run" / "secrets" / "db-password")
    assert "of .env" not in variables.values()
    assert not (tmp_path / "run").exists(), "a stack that is only defined writes nothing"


@pytest.mark.parametrize(("name", "text"), [("api_key_maps", KEY), ("slack_webhook_url", WEBHOOK)])
def test_secret_is_read_from_the_file_that_its_setting_names(tmp_path: Path, name: str, text: str) -> None:
    file = tmp_path / "secret"
    file.write_text(f"{text}\n", encoding="utf-8")
    assert getattr(_settings(**{f"{name}_file": file}), name).get_secret_value() == text
    file.write_text("", encoding="utf-8")
    assert getattr(_settings(**{f"{name}_file": file}), name) is None
    file.write_text("not one, but two words", encoding="utf-8")
    for bad in (file, tmp_path / "none", tmp_path):
        with pytest.raises(UsageError) as refused:
            _settings(**{f"{name}_file": bad})
        assert f"{name.upper()}" in str(refused.value)
        assert "two words" not in str(refused.value)


def test_postgres_gets_another_password_without_the_older_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Record what reaches Postgres's single-user mode: tests/stack logs in."""
    ran: list[tuple[str, str]] = []

    def run(command: list[str], **options: Any) -> "subprocess.CompletedProcess[str]":
        if "--single" in command:
            ran.append((" ".join(command), options["input"]))
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)
    data, folder = tmp_path / "data", tmp_path / "secrets"
    data.mkdir()
    settings = with_password_files(_settings(db_user="rh"), folder)
    for named in ({}, {}, {"db_password": "it's"}, {"db_password": "it's"}):
        write_secrets(folder, named)
        postgres_server.prepare_data_dir(tmp_path, data, settings)
    first, second = ran
    assert first[1] != second[1] == "ALTER ROLE \"rh\" PASSWORD 'it''s'\n"
    assert "it's" not in second[0], "each user of the machine sees a command line"
    assert "config_file=" in second[0], "a slot stops a start with another wal_level"
    secret_path(folder, "db_password").unlink()
    write_secrets(folder, {})
    postgres_server.prepare_data_dir(tmp_path, data, settings)
    assert len(ran) == 3, "a lost file is made again, and so is Postgres's password"


def test_refused_statement_of_single_user_mode_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = subprocess.CompletedProcess([], 0, "", 'ERROR:  role "rh" does not exist\n')
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: answer)
    (tmp_path / "data").mkdir()
    with pytest.raises(NotReady, match="does not exist"):
        postgres_server.prepare_data_dir(tmp_path, tmp_path / "data", _settings(db_password=SecretStr("hunter2")))
    assert not (tmp_path / postgres_server.PASSWORD_STAMP).exists()
