"""Java keeps Spark's classes at install, and every JVM of Spark's starts with them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lakehouse.java_options import cache
from lakehouse.local.addresses import environment
from lakehouse.local.java import java_home
from lakehouse.settings import ROOT, Settings

# In this mode Java does not start where it cannot use the cache.
STARTS = """
from lakehouse.cdc.session import OURS, conf, session
from lakehouse.settings import Settings
options = conf(Settings(), "refresh")[OURS]
assert "-XX:AOTCache=" in options, "there is no cache"
with session(Settings(), "refresh", {OURS: f"{options} -XX:AOTMode=on"}) as spark:
    print(spark.range(3).count())
"""

pytestmark = pytest.mark.skipif("JAVA_HOME" in os.environ, reason="a Java of the user's may keep none")


def settings(jars: Path) -> Settings:
    return Settings(java_home=java_home(ROOT / ".local"), jars_dir=jars)


def run(chosen: Settings, *arguments: str) -> str:
    return subprocess.run(
        (sys.executable, *arguments), env=environment(chosen), capture_output=True, text=True, check=True
    ).stdout


def test_a_jvm_starts_with_what_was_kept_at_install() -> None:
    assert run(settings(ROOT / ".local" / "jars"), "-c", STARTS).endswith("3\n")


@pytest.mark.long
def test_those_of_other_versions_go_and_what_is_there_is_not_made_again(tmp_path: Path) -> None:
    (tmp_path / "spark").symlink_to(ROOT / ".local" / "jars" / "spark")
    (tmp_path / "spark-of-old.aot").touch()
    chosen = settings(tmp_path)
    run(chosen, "-m", "lakehouse.cdc.classes")
    [kept] = tmp_path.glob("spark-*")
    assert kept == cache(chosen)
    made = kept.stat().st_mtime_ns
    run(chosen, "-m", "lakehouse.cdc.classes")
    assert kept.stat().st_mtime_ns == made
    assert run(chosen, "-c", STARTS).endswith("3\n")
