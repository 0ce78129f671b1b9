"""The environment of Spark's JVMs: our Java, our Spark, UTC, UTF-8, and a temporary folder of our own."""

import os
import sys

from lakehouse.environment import UTF8_LOCALE
from lakehouse.settings import Settings
from lakehouse.spark.jvm_options import WITHOUT_PERF_DATA, spark_home


def export_jvm_environment(settings: Settings) -> None:
    """Set environment variables so that this process starts Spark with the Java of the settings, in UTC and UTF-8."""
    settings.jvm_temp_dir.mkdir(parents=True, exist_ok=True)
    if settings.java_home:
        os.environ.setdefault("JAVA_HOME", str(settings.java_home))
    os.environ |= {
        **UTF8_LOCALE,
        "TZ": "UTC",
        "TMPDIR": str(settings.jvm_temp_dir),
        # Spark's scripts would look for it with the `python3` of PATH.
        "SPARK_HOME": str(spark_home()),
        "PYSPARK_PYTHON": sys.executable,
        # Those of the small JVM that composes the command of the large one.
        "SPARK_LAUNCHER_OPTS": WITHOUT_PERF_DATA,
    }
