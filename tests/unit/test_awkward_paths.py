"""Law: a checkout, a lake and a stack may lie in a folder of any common name; the few others are refused first."""

import os
import re
import shlex
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from pydantic import SecretStr
from supervisor.options import ServerOptions

from lakehouse import properties
from lakehouse.gold.views import load_views
from lakehouse.local import kafka, postgres_server, preflight, service_addresses, supervisor
from lakehouse.local.java import WRAPPER
from lakehouse.local.java_command import java_command
from lakehouse.local.service import Service
from lakehouse.local.supervisor import Supervisor
from lakehouse.retries import wait_until
from lakehouse.serving.server import render_spark_conf
from lakehouse.settings import ROOT, Settings
from lakehouse.spark.jvm_options import jvm_options, quote
from lakehouse.spark.warm_jvm_client import short_path
from support.awkward_names import UNUSABLE, USABLE, WORST
from support.timing import seconds

each_usable = pytest.mark.parametrize("name", [*USABLE, WORST], ids=ascii)
LINUX_ONLY = pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")


def _folder(tmp_path: Path, name: str) -> Path:
    folder = tmp_path / name
    folder.mkdir(parents=True)
    return folder


def _read_properties(text: bytes) -> dict[str, str]:
    """Read a .properties file of one line a key as Java does."""
    pairs = (line.split("=", 1) for line in text.decode("iso-8859-1").splitlines())
    return {key: _unescape(value.lstrip(" ")) for key, value in pairs}


def _unescape(value: str) -> str:
    units = re.sub(r"\\(?:u(.{4})|(.))", lambda m: chr(int(m[1], 16)) if m[1] else m[2], value)
    return units.encode("utf-16", "surrogatepass").decode("utf-16")


@each_usable
def test_properties_file_is_ascii_and_java_reads_the_same_path(tmp_path: Path, name: str) -> None:
    written = {"log.dirs": str(tmp_path / name), "blank": name, "number": 1, "beyond": "\U0001f6b4"}
    properties.write(tmp_path / "a.properties", written)
    content = (tmp_path / "a.properties").read_bytes()
    assert content.isascii()
    assert _read_properties(content) == {key: str(value) for key, value in written.items()}


def test_broker_finds_its_data_in_a_folder_with_an_accent(tmp_path: Path) -> None:
    settings = service_addresses.on_free_ports(tmp_path)
    data = tmp_path / WORST / "kafka" / "data"
    text = properties.render(kafka.server_properties(settings, data)).encode("iso-8859-1")
    assert _read_properties(text)["log.dirs"] == str(data)


@each_usable
def test_spark_reads_each_java_option_as_one(tmp_path: Path, name: str) -> None:
    settings = Settings(jvm_temp_dir=tmp_path / name, jars_dir=tmp_path / name)
    options = jvm_options(settings)
    # In what we escape, Spark's launcher follows the shell.
    assert f"-Djava.io.tmpdir={tmp_path / name}" in shlex.split(options)
    assert shlex.split(f"{quote(name)} -x {quote('-XX:AOTCache=' + name)}") == [name, "-x", f"-XX:AOTCache={name}"]


def test_log_configuration_is_a_uri_without_what_log4j_splits_at(tmp_path: Path) -> None:
    files = next(option for option in shlex.split(jvm_options(Settings(log_format="json"))) if "log4j2" in option)
    uris = files.split("=", 1)[1].split(",")
    assert {urlsplit(uri).scheme for uri in uris} == {"file"}
    assert [unquote(urlsplit(uri).path) for uri in uris] == [
        str(ROOT / "spark" / name) for name in ("log4j2.properties", "log4j2-json.properties")
    ]
    broker = java_command(tmp_path, tmp_path / WORST, tmp_path / WORST, "1m", "Main")
    assert {word.split(":")[0] for word in broker if "log4j2" in word} == {"-Dlog4j2.configurationFile=file"}


@each_usable
def test_thrift_server_reads_its_own_folders(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name / "thrift"
    conf = render_spark_conf(Settings(), folder)
    machine = [line for line in conf.splitlines() if re.match(r"spark[\w.]+=", line)]
    values = _read_properties("\n".join(machine).encode("iso-8859-1"))
    assert values["spark.sql.warehouse.dir"] == f"{folder}/warehouse"
    assert ";databaseName=catalog;" in values["spark.hadoop.javax.jdo.option.ConnectionURL"], "a path may have a ;"
    options = shlex.split(values["spark.driver.extraJavaOptions"])
    assert {f"-Dderby.system.home={folder}", f"-Djava.io.tmpdir={folder / 'tmp'}"} <= {*options}


@each_usable
def test_view_over_a_lake_names_its_tables(name: str) -> None:
    for view in load_views(f"/data/{name}", journal=f"/data/{name}/gold/journal"):
        paths = re.findall(r"(?:delta|text)\.`((?:[^`]|``)+)`", view.sql)
        assert paths
        unquoted = [re.sub(r"\\([*?\[\]{}\\])", r"\1", path.replace("``", "`")) for path in paths]
        assert all(path.startswith(f"/data/{name}/gold/") for path in unquoted)


@each_usable
def test_supervisord_reads_each_command_from_its_folder(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = _folder(tmp_path, name)
    run, logs = folder / "run", folder / "logs"
    run.mkdir()
    logs.mkdir()
    command = (sys.executable, "-c", name, f"--path={folder}", f"{folder} ;x #y")
    (run / "supervisord.conf").write_text(supervisor.render([Service("one", command)], run, logs, 1, "s"), "utf-8")
    monkeypatch.chdir(run)
    options = ServerOptions()
    options.realize(["-c", str(run / "supervisord.conf"), "-n"])
    [group] = options.process_group_configs
    [process] = group.process_configs
    assert tuple(shlex.split(process.command)) == command
    assert Path(process.stdout_logfile).resolve() == logs / "one.log"


def test_supervisord_runs_in_the_worst_folder(tmp_path: Path) -> None:
    folder = _folder(tmp_path, WORST)
    program = "import os, pathlib, sys; pathlib.Path(sys.argv[1]).write_text(os.getcwd(), 'utf-8'); input()"
    one = Service("one", (sys.executable, "-c", program, str(folder / "written")))
    running = Supervisor(folder / "run", folder / "logs")
    running.start([one], {"one": {**os.environ, "LC_ALL": "C"}}, *service_addresses.free_ports(1))
    try:
        running.start_program("one")
        wait_until((folder / "written").exists, timeout=seconds(20), missing="the program to write")
        assert (folder / "logs" / "one.log").exists()
        assert [path.name for path in tmp_path.iterdir()] == [Path(WORST).parts[0]], "a second folder beside it"
    finally:
        running.shutdown()


def test_postgres_is_created_where_a_shell_would_read_its_path_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = postgres_server.binary_path("initdb").parents[2]
    folder = _folder(tmp_path, WORST)
    tmp_path.chmod(0o755)
    for source in (package, package.with_name(f"{package.name}.libs")):
        subprocess.run(["cp", "-a", str(source), str(folder)], check=True)
    copy = folder / package.name / postgres_server.PATH_IN_PACKAGE
    monkeypatch.setattr(postgres_server, "binary_path", copy.joinpath)
    monkeypatch.setenv("PGDATA", "/nowhere")
    postgres_server.create_data_dir(folder / "data", Settings(db_password=SecretStr("it's a secret")))
    assert (folder / "data" / "PG_VERSION").exists()


@each_usable
def test_java_wrapper_starts_a_java_of_any_path(tmp_path: Path, name: str) -> None:
    java = _folder(tmp_path, name) / "java"
    java.write_text('#!/bin/sh\necho "java: $*"\n')
    java.chmod(0o755)
    wrapper = tmp_path / "wrapper"
    wrapper.write_text(WRAPPER.format(java=shlex.quote(str(java))), encoding="utf-8")
    assert (
        subprocess.run(["sh", str(wrapper), "a b"], capture_output=True, text=True, check=True).stdout == "java: a b\n"
    )


@LINUX_ONLY
@pytest.mark.parametrize("name", ["a", "é" * 90, "x" * 200], ids=["short", "accents", "long"])
def test_socket_below_a_long_path_can_be_served_and_reached(tmp_path: Path, name: str) -> None:
    address = _folder(tmp_path, name) / "warm"
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as client:
        with short_path(address) as path:
            listener.bind(path)
        listener.listen(1)
        assert address.is_socket()
        with short_path(address) as path:
            client.connect(path)


@each_usable
def test_preflight_lets_a_usable_folder_pass(tmp_path: Path, name: str) -> None:
    assert preflight.check_path(tmp_path / name).is_ok


@pytest.mark.parametrize("name", UNUSABLE, ids=ascii)
def test_preflight_refuses_a_folder_that_a_part_cannot_open(tmp_path: Path, name: str) -> None:
    check = preflight.check_path(tmp_path / name)
    assert not check.is_ok
    shown = f"{check.found} {check.remedy}"
    assert shown.isprintable(), "a terminal would act on it"
    assert shown.isascii()
    assert "rename" in check.remedy
