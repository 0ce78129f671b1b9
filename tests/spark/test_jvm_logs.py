"""Law: Spark's log lines have the format of our own, text or JSON."""

import json
import os
import re
import subprocess
import sys
from typing import get_args

import pytest

from lakehouse.local.java import java_home
from lakehouse.logs import LogFormat
from lakehouse.settings import ROOT
from lakehouse.spark.jvm_options import LOG4J_FILES

WARNING_PROGRAM = """
from lakehouse.spark.session import session
from lakehouse.settings import Settings
with session(Settings(), "refresh") as spark:
    spark._jvm.org.slf4j.LoggerFactory.getLogger("a.place").warn("something is amiss")
"""


def _spark_log_line(log_format: str) -> str:
    environment = {**os.environ, "LOG_FORMAT": log_format, "JAVA_HOME": str(java_home(ROOT / ".local"))}
    completed = subprocess.run(
        [sys.executable, "-c", WARNING_PROGRAM], env=environment, capture_output=True, text=True, check=True
    )
    [line] = [line for line in completed.stderr.splitlines() if "something is amiss" in line]
    return line


def test_every_log_format_has_a_jvm_log_configuration() -> None:
    assert set(LOG4J_FILES) == set(get_args(LogFormat))


@pytest.mark.parametrize("log_format", [pytest.param("text", marks=pytest.mark.long), "json"])
def test_spark_logs_in_the_configured_format(log_format: str) -> None:
    line = _spark_log_line(log_format)
    if log_format == "json":
        fields = json.loads(line)
        assert {name: fields[name] for name in ("level", "logger", "event")} == {
            "level": "WARN",
            "logger": "a.place",
            "event": "something is amiss",
        }
    else:
        assert re.fullmatch(r"\S+Z \[WARN \] place: something is amiss", line)
