"""Law 1: each version is committed by one of many writers, on a file system without hard links too."""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

from lakehouse.errors import LakehouseError
from lakehouse.local.java import java_home
from lakehouse.local.java_build import compile_java
from lakehouse.retries import wait_until
from lakehouse.settings import ROOT, Settings
from lakehouse.spark.jvm_options import spark_home
from lakehouse.spark.session import LOG_STORE, session
from spark.writers import create_table
from support.timing import seconds

LOG_STORE_CLASS = os.environ.get("LOG_STORE", LOG_STORE[1])
LAST_VERSION = 100


class Store:
    """A log store in the JVM of the tests' session, its files under one folder."""

    def __init__(self, spark: SparkSession, folder: Path) -> None:
        context: Any = spark.sparkContext
        self._jvm, self._folder = context._jvm, folder  # noqa: SLF001 - the log store is a Java class
        self._conf = context._jsc.hadoopConfiguration()  # noqa: SLF001 - Hadoop's configuration is Java's alone
        self._store = self._jvm.lakehouse.storage.HardLinkLogStore(self._conf)

    def write(self, version: int, *lines: str, overwrite: bool = False) -> None:
        actions = self._jvm.java.util.ArrayList()
        for line in lines:
            actions.add(line)
        self._store.write(self._path(version), actions.iterator(), overwrite, self._conf)

    def list_names(self, first: int = 0) -> list[str]:
        statuses = self._store.listFrom(self._path(first), self._conf)
        names = []
        while statuses.hasNext():
            names.append(str(statuses.next().getPath().getName()))
        return names

    def _path(self, version: int) -> Any:
        return self._jvm.org.apache.hadoop.fs.Path(f"file:{self._folder}/{version:020d}.json")


@pytest.fixture
def store(spark: SparkSession, tmp_path: Path) -> Store:
    return Store(spark, tmp_path)


def test_existing_version_is_refused_and_left_unchanged(store: Store, tmp_path: Path) -> None:
    store.write(7, "one", "é")
    with pytest.raises(Py4JJavaError, match=r"java\.nio\.file\.FileAlreadyExistsException"):
        store.write(7, "another")
    assert [file.read_text(encoding="utf-8") for file in tmp_path.iterdir()] == ["one\né\n"]


def test_existing_version_is_replaced_if_overwrite_is_requested(store: Store, tmp_path: Path) -> None:
    store.write(7, "one")
    store.write(7, "another", overwrite=True)
    assert [file.read_text(encoding="utf-8") for file in tmp_path.iterdir()] == ["another\n"]


def test_listing_from_a_version_is_ordered_and_includes_new_commits(store: Store, tmp_path: Path) -> None:
    for version in (3, 1, 2):
        store.write(version, "line")
    (tmp_path / "_last_checkpoint").write_text("{}", encoding="utf-8")
    assert store.list_names(2) == [f"{2:020d}.json", f"{3:020d}.json", "_last_checkpoint"]


def test_empty_version_file_is_not_listed(store: Store, tmp_path: Path) -> None:
    """Without hard links a version's file appears before its content."""
    store.write(1, "line")
    (tmp_path / f"{2:020d}.json").touch()
    assert store.list_names() == [f"{1:020d}.json"]


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="Linux alone limits another process")
def test_a_full_disk_leaves_neither_a_version_nor_a_temporary_file(
    spark: SparkSession, store: Store, tmp_path: Path
) -> None:
    context: Any = spark.sparkContext
    jvm = int(context._jvm.java.lang.ProcessHandle.current().pid())  # noqa: SLF001 - only Java knows its pid
    before = resource.prlimit(jvm, resource.RLIMIT_FSIZE)
    resource.prlimit(jvm, resource.RLIMIT_FSIZE, (100, before[1]))  # bytes of a file
    try:
        with pytest.raises(Py4JJavaError, match=r"java\.io\.IOException"):
            store.write(7, "x" * 1000)
    finally:
        resource.prlimit(jvm, resource.RLIMIT_FSIZE, before)
    assert [*tmp_path.iterdir()] == []
    store.write(7, "x" * 1000)
    assert store.list_names() == [f"{7:020d}.json"]


def test_listing_of_a_missing_folder_raises_file_not_found(store: Store, tmp_path: Path) -> None:
    tmp_path.rmdir()
    with pytest.raises(Py4JJavaError, match=r"java\.io\.FileNotFoundException"):
        store.list_names()


def test_each_version_is_committed_by_one_of_sixteen_racing_processes(tmp_path: Path) -> None:
    """Eight use delta-rs; eight use the log store, two of them as on a file system without hard links."""
    log, classes = tmp_path / "table" / "_delta_log", tmp_path / "classes"
    create_table(log.parent)
    first = len([*log.glob("*.json")])
    processes = {
        f"p{n}": start_racing_writer([sys.executable, "-m", "spark.racing_writer"], log, f"p{n}") for n in range(8)
    }
    java = racing_jvm_command(classes)
    names = [*(f"linking{n}" for n in range(6)), *(f"claiming{n}" for n in range(2))]
    stores = dict.fromkeys(names[:6], LOG_STORE_CLASS) | dict.fromkeys(names[6:], "no links")
    processes |= {name: start_racing_writer([*java, store], log, name) for name, store in stores.items()}
    wait_until(
        lambda: len([*log.glob("ready-*")]) == len(processes), timeout=seconds(120), missing="all writers to be ready"
    )
    (log / "go").touch()
    committed = {
        name: [*map(int, process.communicate(timeout=seconds(120))[0].split())] for name, process in processes.items()
    }
    assert {process.returncode for process in processes.values()} == {0}
    winners = {version: name for name, versions in committed.items() for version in versions}
    assert sum(map(len, committed.values())) == len(winners)
    assert sorted(winners) == [*range(first, first + len(winners))]
    assert max(winners) >= LAST_VERSION
    assert {version: commit_author(log, version) for version in winners} == winners


def racing_jvm_command(classes: Path) -> list[str]:
    """Compile the tests' Java into a folder, and return the command of a racing writer in a small JVM."""
    java, jars = java_home(ROOT / ".local"), Settings().jars_dir
    compile_java(java, jars, sorted((ROOT / "tests" / "java").rglob("*.java")), classes)
    path = ":".join(map(str, (classes, jars / "spark" / "*", spark_home() / "jars" / "*")))
    small = ("-Xmx64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
    return [str(java / "bin" / "java"), *small, "-cp", path, "lakehouse.testing.RacingWriter"]


def start_racing_writer(command: list[str], log: Path, name: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "tests")}
    return subprocess.Popen(
        [*command, str(log), name, str(LAST_VERSION)], stdout=subprocess.PIPE, text=True, env=environment
    )


def commit_author(log: Path, version: int) -> str:
    """Return the name of the writer that committed a version of the log."""
    lines = (log / f"{version:020d}.json").read_text(encoding="utf-8").splitlines()
    [commit] = (action["commitInfo"] for action in map(json.loads, lines) if "commitInfo" in action)
    return str(commit["userMetadata"])


def test_spark_session_uses_the_hard_link_log_store(spark: SparkSession, tmp_path: Path) -> None:
    context: Any = spark.sparkContext
    spark.range(1).write.format("delta").save(str(tmp_path / "table"))
    delta = context._jvm.org.apache.spark.sql.delta  # noqa: SLF001 - the log store in use is seen in Java alone
    log = delta.DeltaLog.forTable(spark._jsparkSession, str(tmp_path / "table"))  # noqa: SLF001 - as above
    assert "lakehouse.storage.HardLinkLogStore" in str(log.store().getDelegate(log.logPath()).logStoreImpl().getClass())


@pytest.mark.parametrize("job", ["stream", "refresh"])
def test_job_with_another_log_store_does_not_start(job: str) -> None:
    other = {"spark.delta.logStore.file.impl": "io.delta.storage.LocalLogStore"}
    with pytest.raises(LakehouseError, match="spark-defaults"), session(Settings(), job, other):
        pass
