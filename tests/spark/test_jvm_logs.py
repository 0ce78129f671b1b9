"""Law: what Spark has to say is in the form of our own lines, for a person or for a machine."""

import json
import os
import re
import subprocess
import sys
from typing import get_args

import pytest

from lakehouse.java_options import LOG
from lakehouse.local.java import java_home
from lakehouse.settings import ROOT, LogFormat

WARNS = """
from lakehouse.cdc.session import session
from lakehouse.settings import Settings
with session(Settings(), "refresh") as spark:
    spark._jvm.org.slf4j.LoggerFactory.getLogger("a.place").warn("something is amiss")
"""


def _said(log_format: str) -> str:
    environment = {**os.environ, "LOG_FORMAT": log_format, "JAVA_HOME": str(java_home(ROOT / ".local"))}
    done = subprocess.run([sys.executable, "-c", WARNS], env=environment, capture_output=True, text=True, check=True)
    [line] = [line for line in done.stderr.splitlines() if "something is amiss" in line]
    return line


def test_every_format_of_ours_is_one_of_sparks() -> None:
    assert set(LOG) == set(get_args(LogFormat))


@pytest.mark.parametrize("log_format", [pytest.param("text", marks=pytest.mark.long), "json"])
def test_spark_speaks_as_we_do(log_format: str) -> None:
    said = _said(log_format)
    if log_format == "json":
        told = json.loads(said)
        assert {name: told[name] for name in ("level", "logger", "event")} == {
            "level": "WARN",
            "logger": "a.place",
            "event": "something is amiss",
        }
    else:
        assert re.fullmatch(r"\S+Z \[WARN \] place: something is amiss", said)
