"""Law: a variable that another installation set for itself reaches none of our processes; a setting of ours does."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from lakehouse.environment import (
    FOREIGN_NAMES,
    FOREIGN_PREFIXES,
    HARMLESS_NAMES,
    OUR_NAMES,
    is_foreign,
    without_foreign,
)
from lakehouse.local import service_addresses
from lakehouse.settings import ROOT, Settings
from lakehouse.source.connect_client import build_config
from lakehouse.source.postgres import ssl_options
from support.awkward_names import WORST

FOREIGN_VARIABLES = {
    "SPARK_HOME": "/opt/spark",
    "SPARK_CONF_DIR": "/opt/spark/conf",
    "SPARK_LOCAL_DIRS": "/scratch",
    "SPARK_SUBMIT_OPTS": "-Dx=1",
    "PYSPARK_PYTHON": "/usr/bin/python2",
    "PYSPARK_SUBMIT_ARGS": "--master yarn pyspark-shell",
    "HADOOP_HOME": "/opt/hadoop",
    "HADOOP_CONF_DIR": "/etc/hadoop",
    "YARN_CONF_DIR": "/etc/hadoop",
    "HIVE_CONF_DIR": "/etc/hive",
    "LOG4J_CONFIGURATION_FILE": "/etc/log4j.xml",
    "JAVA_TOOL_OPTIONS": "-Dhttp.proxyHost=proxy",
    "JDK_JAVA_OPTIONS": "-Xmx1m",
    "_JAVA_OPTIONS": "-Xmx1m",
    "CLASSPATH": "/opt/other.jar",
    "PGSSLMODE": "verify-full",
    "PGHOSTADDR": "192.0.2.1",
    "PGSERVICE": "other",
    "PGOPTIONS": "-c search_path=other",
    "PGDATA": "/var/lib/postgresql",
    "PYTHONPATH": "/opt/other",
    "PYTHONHOME": "/opt/python",
    "PYTHONSTARTUP": "/home/me/.pythonrc",
    "PYTHONOPTIMIZE": "2",
    "PYTHONIOENCODING": "latin-1",
    "PYTHONPYCACHEPREFIX": "/opt/cache",
    "VIRTUAL_ENV": "/home/me/venv",
    "CONDA_PREFIX": "/opt/conda",
}
OURS = {
    "JAVA_HOME": "/opt/java",
    "LD_PRELOAD": "",
    "http_proxy": "http://proxy:3128",
    "PATH": os.environ["PATH"],
    "HOME": "/home/me",
    "PYTHONUNBUFFERED": "1",
}
PRINT_NAMES = "import json, os; print(json.dumps(sorted(os.environ)))"
# What an entry point's own process is left with, and what it gives on.
ENTRY_POINT = f"""
import subprocess, sys
from lakehouse.errors import run
run(lambda: print(subprocess.run([sys.executable, "-c", {PRINT_NAMES!r}], capture_output=True, text=True).stdout))
"""


def _run(command: list[str], variables: dict[str, str], folder: Path = ROOT) -> str:
    completed = subprocess.run(command, env=variables, cwd=folder, capture_output=True, text=True, check=False)
    assert completed.returncode == 0, completed.stderr
    return completed.stdout


@pytest.mark.parametrize("name", FOREIGN_VARIABLES)
def test_variable_of_another_installation_is_left_out(name: str) -> None:
    assert is_foreign(name)
    assert name not in without_foreign({**FOREIGN_VARIABLES, **OURS})


def test_variables_of_the_machine_and_settings_of_ours_stay() -> None:
    assert without_foreign({**FOREIGN_VARIABLES, **OURS}) == OURS
    assert [name for name in Settings.model_fields if is_foreign(name.upper())] == []
    assert {"SPARK_MASTER", "SPARK_UI_PORT"} <= {name.upper() for name in Settings.model_fields}


def test_python_path_keeps_the_folders_of_this_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    path = os.pathsep.join(["tests", "/opt/other", str(ROOT / "scripts"), ""])
    folders = without_foreign({"PYTHONPATH": path})["PYTHONPATH"]
    assert folders.split(os.pathsep) == [str(ROOT / "tests"), str(ROOT / "scripts")]


def test_service_gets_no_foreign_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in FOREIGN_VARIABLES.items():
        monkeypatch.setenv(name, value)
    variables = service_addresses.environment(service_addresses.on_free_ports(tmp_path))
    assert FOREIGN_VARIABLES.keys() & variables.keys() == set()
    assert variables["TMPDIR"] == str(tmp_path / "tmp")


def test_entry_point_and_its_children_have_no_foreign_variable() -> None:
    harmful_to_python_itself = {"PYTHONHOME", "PYTHONIOENCODING"}
    foreign = {name: value for name, value in FOREIGN_VARIABLES.items() if name not in harmful_to_python_itself}
    left = json.loads(_run([sys.executable, "-c", ENTRY_POINT], {**foreign, **OURS}))
    assert foreign.keys() & {*left} == set()
    assert "JAVA_HOME" in left


def test_makefile_leaves_out_the_same_variables() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
    lists = {name: {*words.split()} for name, words in re.findall(r"^(FOREIGN|OURS) := (.*)$", makefile, re.MULTILINE)}
    assert lists["FOREIGN"] == {*(f"{prefix}%" for prefix in FOREIGN_PREFIXES), *FOREIGN_NAMES}
    assert lists["OURS"] == OUR_NAMES | HARMLESS_NAMES


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")
def test_install_in_a_folder_of_any_name_sees_no_foreign_variable_and_writes_below_it(tmp_path: Path) -> None:
    folder = tmp_path / WORST
    (folder / ".venv" / "bin").mkdir(parents=True)
    shutil.copy(ROOT / "Makefile", folder)
    for lock in ("requirements-local.txt", "requirements-uv.txt"):
        (folder / lock).touch()
    python = folder / ".venv" / "bin" / "python"
    python.write_text('#!/bin/sh\n{ echo "$PWD: $*"; env; } >>calls\n')
    python.chmod(0o755)
    variables = {
        **FOREIGN_VARIABLES,
        **OURS,
        "PIP_TARGET": "/opt/other",
        "PIP_USER": "1",
        "PIP_INDEX_URL": "https://mirror/",
    }
    _run(["make", "PYTHON=.venv/bin/python", ".venv/installed"], variables, folder)
    calls = (folder / "calls").read_text(encoding="utf-8")
    named = {*re.findall(r"^([A-Za-z_]\w*)=", calls, re.MULTILINE)}
    assert {*FOREIGN_VARIABLES, "PIP_TARGET", "PIP_USER"} & named == set()
    assert "PIP_INDEX_URL=https://mirror/" in calls
    assert f"TMPDIR={folder}/.local/tmp" in calls
    assert f"PIP_CACHE_DIR={folder}/.local/pip" in calls
    assert f"UV_CACHE_DIR={folder}/.local/uv-cache" in calls
    assert "install_packages.py uv" in calls
    assert [path.name for path in tmp_path.iterdir()] == [Path(WORST).parts[0]]


def test_python_finds_the_package_from_a_moved_checkout(tmp_path: Path) -> None:
    """Write lakehouse.pth as the Makefile does: relative, so that neither a name nor a move matters."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    [program] = re.findall(r"^define PTH\n(.*?)^endef", makefile, re.MULTILINE | re.DOTALL)
    packages, folder = tmp_path / "a" / ".venv" / "lib" / "site-packages", tmp_path / "a"
    packages.mkdir(parents=True)
    fake = f"import sysconfig; sysconfig.get_path = lambda _: {str(packages)!r}\n"
    _run([sys.executable, "-c", fake + program], dict(os.environ), folder)
    folder_line, import_line = (packages / "lakehouse.pth").read_text(encoding="ascii").splitlines()
    assert folder_line == "../../../scripts"
    assert import_line.startswith("import "), "site.py runs such a line"


def test_encryption_is_a_setting_of_ours_for_libpq_and_debezium() -> None:
    assert ssl_options(Settings()) == {"sslmode": "prefer"}
    remote = Settings(db_sslmode="verify-full", db_sslrootcert=Path("ca.pem"), db_capture_password=SecretStr("fictive"))
    options = ssl_options(remote)
    assert options == {"sslmode": "verify-full", "sslrootcert": str(ROOT / "ca.pem")}
    config = build_config({}, remote)
    assert {name: config[f"database.{name}"] for name in options} == options


def test_local_postgres_is_reached_without_encryption() -> None:
    remote = Settings(db_host="db.example", db_sslmode="verify-full", db_sslrootcert=Path("ca.pem"))
    local = service_addresses.with_local_addresses(remote)
    assert ssl_options(local) == {"sslmode": "disable"}
    assert "DB_SSLMODE=disable" in service_addresses.render_env_file(local), "for commands run by hand"
