"""The AOT cache of Spark's classes is built once, and every Spark JVM that starts later uses it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lakehouse.local.java import java_home
from lakehouse.local.service_addresses import environment
from lakehouse.settings import ROOT, Settings
from lakehouse.spark.jvm_options import aot_cache_path

# With AOTMode=on Java does not start if it cannot use the cache.
AOT_PROGRAM = """
from lakehouse.spark.session import EXTRA_JAVA_OPTIONS, conf, session
from lakehouse.settings import Settings
options = conf(Settings(), "refresh")[EXTRA_JAVA_OPTIONS]
assert "-XX:AOTCache=" in options, "there is no cache"
with session(Settings(), "refresh", {EXTRA_JAVA_OPTIONS: f"{options} -XX:AOTMode=on"}) as spark:
    print(spark.range(3).count())
"""

pytestmark = pytest.mark.skipif("JAVA_HOME" in os.environ, reason="the user's own Java may have no AOT cache")


def settings(jars: Path) -> Settings:
    return Settings(java_home=java_home(ROOT / ".local"), jars_dir=jars)


def run(settings_used: Settings, *arguments: str) -> str:
    return subprocess.run(
        (sys.executable, *arguments), env=environment(settings_used), capture_output=True, text=True, check=True
    ).stdout


def test_jvm_starts_with_the_aot_cache_of_this_installation() -> None:
    assert run(settings(ROOT / ".local" / "jars"), "-c", AOT_PROGRAM).endswith("3\n")


def test_aot_cache_of_jars_that_were_installed_again_is_not_used(tmp_path: Path) -> None:
    jar = tmp_path / "spark" / "delta.jar"
    jar.parent.mkdir()
    jar.touch()
    before = aot_cache_path(settings(tmp_path))
    os.utime(jar, ns=(0, 0))
    assert aot_cache_path(settings(tmp_path)) != before


@pytest.mark.long
def test_aot_cache_of_other_versions_is_deleted_and_the_current_one_not_rebuilt(tmp_path: Path) -> None:
    (tmp_path / "spark").symlink_to(ROOT / ".local" / "jars" / "spark")
    (tmp_path / "spark-of-old.aot").touch()
    settings_used = settings(tmp_path)
    run(settings_used, "-m", "lakehouse.spark.aot_cache")
    [cache_file] = tmp_path.glob("spark-*")
    assert cache_file == aot_cache_path(settings_used)
    modified_at = cache_file.stat().st_mtime_ns
    run(settings_used, "-m", "lakehouse.spark.aot_cache")
    assert cache_file.stat().st_mtime_ns == modified_at
    assert run(settings_used, "-c", AOT_PROGRAM).endswith("3\n")
