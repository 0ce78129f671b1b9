"""The Spark session of a job: spark/spark-defaults.conf, the job's own .conf, and this machine's addresses."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path

from pyspark import SparkConf, SparkContext
from pyspark.sql import SparkSession

from lakehouse.cdc.warm import borrowed
from lakehouse.java_options import MAKES_CACHE, java_options
from lakehouse.logs import logger
from lakehouse.settings import Settings

# Added by Spark to spark.driver.defaultJavaOptions, which the .conf files give.
OURS = "spark.driver.extraJavaOptions"


def conf(settings: Settings, job: str, *, keep_classes: bool = False) -> dict[str, str]:
    """Give the settings of a job (`stream`, `refresh`): what all share, then its own, then where this machine is."""
    jars = settings.jars_dir / "spark"
    where = {"spark.master": settings.spark_master}
    if settings.spark_master.startswith("local"):
        where["spark.driver.extraClassPath"] = f"{jars}/*"
    else:
        where["spark.jars"] = ",".join(str(jar) for jar in sorted(jars.glob("*.jar")))
    if settings.spark_ui_port and job == "stream":
        where |= {"spark.ui.enabled": "true", "spark.ui.port": str(settings.spark_ui_port)}
    where[OURS] = java_options(settings, may_make_cache=keep_classes)
    return _read(settings.tuning_dir / "spark-defaults.conf") | _read(settings.tuning_dir / f"{job}.conf") | where


def set_java(settings: Settings) -> None:
    """Have PySpark start the Java of the settings, in UTC."""
    if settings.java_home:
        os.environ.setdefault("JAVA_HOME", str(settings.java_home))
    os.environ["TZ"] = "UTC"


@contextmanager
def session(
    settings: Settings, job: str, overrides: Mapping[str, str] | None = None, *, keep_classes: bool = False
) -> Iterator[SparkSession]:
    """Give a session for one job, and stop it afterwards.

    `keep_classes` is for a job that touches most of what any job needs and ends by itself, which is a refresh: where
    Java's cache is not there yet, its run makes it for all of them, and Java says so. Such a job runs in a JVM that
    is kept warm, where one is.
    """
    set_java(settings)
    with borrowed(settings.warm_session) if keep_classes else nullcontext(False) as is_warm:
        chosen = {**conf(settings, job, keep_classes=keep_classes and not is_warm), **(overrides or {})}
        spark = SparkSession.builder.config(conf=SparkConf().setAll([*chosen.items()])).getOrCreate()
        try:
            yield spark
        finally:
            jvm = SparkContext._gateway.proc if SparkContext._gateway else None  # noqa: SLF001 - PySpark has no other name for it
            spark.stop()
            if jvm and MAKES_CACHE in chosen[OURS]:
                logger("session").info("keeping Spark's classes for the next start; once, about a minute")
                # It would go on in the background, and whatever starts next would share the cores with it.
                jvm.stdin.close()
                jvm.wait()


def _read(path: Path) -> dict[str, str]:
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    pairs = (line.split(None, 1) for line in lines if line and not line.startswith("#"))
    return {key: value.strip() for key, value in pairs}
