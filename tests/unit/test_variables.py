"""Law: a variable that is unknown or outside its range is an error with name and range, and without the value."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lakehouse import variables
from lakehouse.env_file import Assignment, EnvError
from lakehouse.errors import UsageError
from lakehouse.passwords import read_password
from lakehouse.settings import ROOT, Settings, read_variables

PORT_NAMES = sorted(name for name, variable in variables.VARIABLES.items() if variable.kind is variables.PORT_KIND)


@pytest.fixture(autouse=True)
def no_running_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no system run in this checkout: its addresses would win over the file's."""
    monkeypatch.setattr("lakehouse.settings.LOCAL_ADDRESSES_FILE", tmp_path / "addresses.env")


def check(name: str, value: str) -> None:
    variables.check_value(name, Assignment(value, ".env, line 3"))


def test_each_setting_is_in_the_table_and_the_example_has_only_names_of_it() -> None:
    assert {name.upper() for name in Settings.model_fields} == set(variables.SETTING_VARIABLES)
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert set(re.findall(r"^(?:# )?([A-Z_]+)=", example, re.MULTILINE)) <= set(variables.VARIABLES)


def test_default_of_each_setting_is_in_its_range() -> None:
    for name, variable in variables.SETTING_VARIABLES.items():
        default = Settings.model_fields[name.lower()].default
        text = default.get_secret_value() if hasattr(default, "get_secret_value") else default
        assert text is None if variable.optional else variable.kind.accepts(str(text)), name


@pytest.mark.parametrize("name", PORT_NAMES)
@pytest.mark.parametrize("value", ["1", "5432", "65535"])
def test_port_in_its_range_is_accepted(name: str, value: str) -> None:
    check(name, value)


@pytest.mark.parametrize("name", PORT_NAMES)
@pytest.mark.parametrize(
    "value",
    [
        "0", "-1", "65536", "99999", "9" * 5000, "8 080", " 5432", "5432 ", "+5432", "0x10", "1_000", "8080.0", "1e3",
        "nan", "inf", "８０８０", "٤٥", "08080", "5432\n", "5432\u200b", "²", "True", "localhost:5432",
    ],
)  # fmt: skip
def test_port_outside_its_range_is_refused_with_the_range_and_the_place(name: str, value: str) -> None:
    with pytest.raises(EnvError) as refused:
        check(name, value)
    first, second = str(refused.value).splitlines()
    assert first == f"{name} (.env, line 3) is not a port: a whole number from 1 to 65535."
    assert second == f"Write it like this: {name}=5432"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DB_HOST", "127.0.0.1"), ("DB_HOST", "::1"), ("DB_HOST", "postgres-sport"), ("DB_HOST", "/var/run/postgresql"),
        ("DB_NAME", "rh_sport"), ("DB_USER", "dépôt"), ("DB_PASSWORD", " p@ss'w\"ord $1 \\ "),
        ("LAKE_URI", "../lac d'été"),
        ("LAKE_URI", "s3a://bucket/lake"), ("LAKE_URI", "abfss://files/lake"), ("JAVA_HOME", "/opt/été 2026/java"),
        ("KAFKA_BOOTSTRAP_SERVERS", "one:9092,[::1]:19092"), ("CONNECT_URL", "http://[::1]:8083/"),
        ("CONNECT_URL", "https://me:secret@connect"), ("SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/T/B/x"),
        ("REFRESH_INTERVAL", "15s"), ("REFRESH_INTERVAL", "2min"), ("REFRESH_INTERVAL", "24h"),
        ("LOG_FORMAT", "json"), ("DESTINATION", "1362 Av. des Platanes, 34970 Lattes"), ("SPARK_MASTER", "local[*]"),
    ],
)  # fmt: skip
def test_value_in_its_range_is_accepted(name: str, value: str) -> None:
    check(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DB_HOST", "http://localhost"), ("DB_HOST", "local host"), ("DB_HOST", "localhost:5432"), ("DB_NAME", 'a"b'),
        ("DB_NAME", "é" * 32), ("DB_USER", " x"), ("DB_PASSWORD", "a\tb"), ("DB_PASSWORD", "a\0b"),
        ("KAFKA_BOOTSTRAP_SERVERS", "29092"), ("KAFKA_BOOTSTRAP_SERVERS", "a:0"), ("KAFKA_BOOTSTRAP_SERVERS", "a:1,"),
        ("KAFKA_BOOTSTRAP_SERVERS", "a:70000"), ("KAFKA_BOOTSTRAP_SERVERS", "http://a:1"),
        ("CONNECT_URL", "localhost:8083"), ("CONNECT_URL", "http://localhost:70000"), ("CONNECT_URL", "http://h:８０"),
        ("CONNECT_URL", "ftp://h"), ("CONNECT_URL", "http:///x"), ("CONNECT_URL", "http://h:0"), ("CONNECT_URL", "http://["),
        ("LAKE_URI", "data/%41"), ("LAKE_URI", "/a/%2e%2e/b"), ("LAKE_URI", "file:///lake"), ("LAKE_URI", "file://h/lake"),
        ("LAKE_URI", "file:/lake"), ("LAKE_URI", "FILE:lake"), ("LAKE_URI", "~/lake"), ("LAKE_URI", "s3a://k:s@b/lake"),
        ("LAKE_URI", "s3a:///lake"), ("LAKE_URI", "s3a:lake"), ("LAKE_URI", "a\\b"), ("LAKE_URI", "lake "),
        ("LAKE_URI", "la\u200bke"), ("JAVA_HOME", "~/java"), ("INPUT_DIR", "file:///in"), ("JARS_DIR", "a\nb"),
        ("API_KEY_MAPS", "AIza x"), ("API_KEY_MAPS", "clé"), ("SLACK_WEBHOOK_URL", "hooks.slack.com/x"),
        ("SLACK_WEBHOOK_URL", "https://hooks.slack.com/x y"), ("LOG_FORMAT", "JSON"), ("POSTGRES_IMAGE", "a b"),
        ("REFRESH_INTERVAL", "7"), ("REFRESH_INTERVAL", "0s"), ("REFRESH_INTERVAL", "25h"),
        ("DESTINATION", "a\u202eb"), ("SPARK_MASTER", "local [2]"),
    ],
)  # fmt: skip
def test_value_outside_its_range_is_refused_without_being_quoted(name: str, value: str) -> None:
    with pytest.raises(EnvError) as refused:
        check(name, value)
    lines = str(refused.value).splitlines()
    assert len(lines) == 2
    assert lines[0].startswith(f"{name} (.env, line 3) is not ")
    assert value not in lines[0]


@pytest.mark.parametrize("name", sorted(variables.VARIABLES))
def test_empty_value_is_refused_where_one_is_needed(name: str) -> None:
    if variables.VARIABLES[name].optional:
        check(name, "")
    else:
        with pytest.raises(EnvError, match=rf"{name} \(\.env, line 3\) is empty"):
            check(name, "")


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("DB_PASS", "DB_PASSWORD"), ("DBPASSWORD", "DB_PASSWORD"), ("db_password", "DB_PASSWORD"),
        ("POSTGRES_PASSWORD", "DB_PASSWORD"), ("PGPASSWORD", "DB_PASSWORD"), ("DB_PASSWORT", "DB_PASSWORD"),
        ("SLACK_WEBHOOK", "SLACK_WEBHOOK_URL"), ("SLACK_TOKEN", "SLACK_WEBHOOK_URL"), ("THRIFTPORT", "THRIFT_PORT"),
        ("THRIFT_PROT", "THRIFT_PORT"), ("LAKEURI", "LAKE_URI"), ("API_KEY", "API_KEY_MAPS"),
        ("GOOGLE_MAPS_API_KEY", "API_KEY_MAPS"), ("KAFKA_BOOTSTRAP_SERVER", "KAFKA_BOOTSTRAP_SERVERS"),
        ("DESTINATON", "DESTINATION"), ("Db_Port", "DB_PORT"), ("DB_USERNAME", "DB_USER"),
    ],
)  # fmt: skip
def test_name_that_looks_like_ours_is_an_error_with_the_nearest_one(name: str, nearest: str) -> None:
    with pytest.raises(EnvError) as refused:
        variables.check_names({name: Assignment("hunter2", ".env, line 3")})
    assert f"{name} (.env, line 3) is no variable" in str(refused.value)
    assert f"The nearest one is {nearest}." in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_name_of_another_program_is_left_alone() -> None:
    names = "TZ LANG HTTP_PROXY COMPOSE_PROFILES DOCKER_HOST SPARK_HOME JAVA_OPTS PYTHONPATH USER NODE_ENV MY_APP_PORT"
    variables.check_names({name: Assignment("x", ".env") for name in [*names.split(), *variables.VARIABLES]})


def test_environment_wins_over_the_file_and_an_empty_optional_value_over_none(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("DB_PORT=1\nTHRIFT_PORT=2\nAPI_KEY_MAPS=key\nSLACK_WEBHOOK_URL=\n", encoding="utf-8")
    values = read_variables(file, {"DB_PORT": "3", "API_KEY_MAPS": "", "UNKNOWN": "x"})
    assert (values["DB_PORT"], values["THRIFT_PORT"], values["API_KEY_MAPS"]) == ("3", "2", "key")
    assert "SLACK_WEBHOOK_URL" not in values
    assert read_variables(None, {}) == {}


def test_settings_read_the_file_by_the_same_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in variables.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    file = tmp_path / ".env"
    file.write_bytes(b"\xef\xbb\xbfDB_PORT=27999 # 5432 is the company server\r\nDB_PASSWORD='$ecret'\r\n")
    settings = Settings(_env_file=file)  # type: ignore[call-arg]
    assert settings.db_port == 27999
    assert read_password(settings, "db_password") == "$ecret"
    file.write_text("DB_PASSWORD=hunter2$x\n", encoding="utf-8")
    with pytest.raises(UsageError) as refused:
        Settings(_env_file=file)  # type: ignore[call-arg]
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("program", ["create_tables.py", "maintain.py", "explain_employee.py"])
def test_wrong_variable_ends_a_program_with_two_lines_and_exit_code_2(program: str) -> None:
    options = ["--employee", "1"] if program == "explain_employee.py" else []
    completed = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "Jobs_Spark" / program), *options],
        env={**os.environ, "DB_PORT": "８０８０", "LAKEHOUSE_ENVIRONMENT_ONLY": "yes"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert completed.returncode == 2
    first, second = completed.stderr.splitlines()
    assert "DB_PORT (in the environment) is not a port: a whole number from 1 to 65535." in first
    assert "DB_PORT=5432" in second
