"""Law: Ctrl-C ends what Spark runs, also where another thread has opened the session."""

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

from lakehouse.retries import wait_until
from lakehouse.spark.session import cancel_jobs_on_interrupt


@pytest.fixture
def handler() -> Iterator[None]:
    before = signal.getsignal(signal.SIGINT)
    cancel_jobs_on_interrupt()
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("handler")
def test_interrupt_cancels_the_jobs_of_other_threads(spark: SparkSession) -> None:
    tracker = spark.sparkContext.statusTracker()
    with ThreadPoolExecutor(1) as pool:
        endless = pool.submit(spark.range(10**15).selectExpr("max(id % 7)").collect)
        wait_until(lambda: bool(tracker.getActiveJobsIds()), timeout=60, missing="the job")
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(Py4JJavaError, match="SPARK_JOB_CANCELLED"):
            endless.result(60)
