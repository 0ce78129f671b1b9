"""Spark sessions of jobs, from spark/spark-defaults.conf, the job's own .conf, and this machine's settings."""

import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import FrameType
from typing import NoReturn

from pyspark import SparkConf, SparkContext
from pyspark.sql import SparkSession

from lakehouse.errors import BadInput
from lakehouse.private_file import writer_umask
from lakehouse.settings import Settings
from lakehouse.spark.callbacks import authenticate_callbacks
from lakehouse.spark.jvm_environment import export_jvm_environment
from lakehouse.spark.jvm_options import authentication_conf, jvm_options
from lakehouse.spark.warm_jvm_client import attached_to_warm_jvm

STREAM_JOB = "stream"  # the one in which the JVM calls into Python
# The one setting that no job may lack: with this log store, two processes cannot both commit the same version.
LOG_STORE = ("spark.delta.logStore.file.impl", "lakehouse.storage.HardLinkLogStore")
# For the files whose mode Hadoop sets itself, as a stream's checkpoints: the process's own is the same.
HADOOP_UMASK = "spark.hadoop.fs.permissions.umask-mode"
# Spark adds it to spark.driver.defaultJavaOptions, which the .conf files set.
EXTRA_JAVA_OPTIONS = "spark.driver.extraJavaOptions"


def conf(settings: Settings, job: str) -> dict[str, str]:
    """Return the settings of a job (`stream`, `refresh`): the shared ones, its own, then this machine's."""
    jars = settings.jars_dir / "spark"
    machine_conf = {"spark.master": settings.spark_master, HADOOP_UMASK: f"{writer_umask(os.environ):03o}"}
    if settings.spark_master.startswith("local"):
        machine_conf["spark.driver.extraClassPath"] = f"{jars}/*"
    else:
        machine_conf["spark.jars"] = ",".join(str(jar) for jar in sorted(jars.glob("*.jar")))
    if settings.spark_ui_port and job == STREAM_JOB:
        machine_conf |= {"spark.ui.enabled": "true", "spark.ui.port": str(settings.spark_ui_port)}
    machine_conf |= authentication_conf(settings) | {EXTRA_JAVA_OPTIONS: jvm_options(settings)}
    return (
        _read_conf_file(settings.tuning_dir / "spark-defaults.conf")
        | _read_conf_file(settings.tuning_dir / f"{job}.conf")
        | machine_conf
    )


@contextmanager
def session(
    settings: Settings, job: str, overrides: Mapping[str, str] | None = None, *, warm: bool = False
) -> Iterator[SparkSession]:
    """Yield a session for one job, and stop it afterwards; `warm` uses the warm JVM where one is free.

    Raises BadInput where the settings name another log store than ours.
    """
    export_jvm_environment(settings)
    spark_conf = {**conf(settings, job), **(overrides or {})}
    ensure_log_store(spark_conf)
    with attached_to_warm_jvm(settings.warm_jvm_socket) if warm else nullcontext():
        spark = SparkSession.builder.config(conf=SparkConf().setAll([*spark_conf.items()])).getOrCreate()
        try:
            if job == STREAM_JOB:
                authenticate_callbacks(spark)
            yield spark
        finally:
            spark.stop()


def cancel_jobs_on_interrupt() -> None:
    """Have Ctrl-C cancel Spark's jobs. PySpark does so only for a session that the main thread opens."""
    signal.signal(signal.SIGINT, _cancel_jobs)


def _cancel_jobs(_number: int, _frame: FrameType | None) -> NoReturn:
    context = SparkContext._active_spark_context  # noqa: SLF001 - PySpark has no public name for it
    if context:
        context.cancelAllJobs()
    raise KeyboardInterrupt


def ensure_log_store(spark_conf: Mapping[str, str]) -> None:
    """Raise BadInput unless the settings commit versions through our log store."""
    name, store = LOG_STORE
    if spark_conf.get(name) != store:
        raise BadInput(
            f"{name} is {spark_conf.get(name)}, and only {store} commits to a lake without overwriting concurrent "
            "commits of other processes. spark/spark-defaults.conf sets it; remove the other one."
        )


def _read_conf_file(path: Path) -> dict[str, str]:
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    pairs = (line.split(None, 1) for line in lines if line and not line.startswith("#"))
    return {key: value.strip() for key, value in pairs}
