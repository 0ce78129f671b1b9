"""What every test may use: one Spark session for the whole run, and a terminal's Ctrl-C."""

import signal
from collections.abc import Iterator

import pytest
from pyspark.sql import SparkSession

from lakehouse.local.java import java_home
from lakehouse.settings import ROOT, Settings
from lakehouse.spark.session import session
from support.date_guard import refuse_date_objects
from support.timing import seconds

OWN_TABLES = "data/delta/*/*/_delta_log"
MAX_TEST_S = 900  # the longest on two free cores took 250


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Add a time-out to each test, so that one that hangs is named."""
    for item in items:
        item.add_marker(pytest.mark.timeout(seconds(MAX_TEST_S)))


@pytest.fixture(scope="session", autouse=True)
def checkout_keeps_its_lake() -> Iterator[None]:
    """Fail after a run in which a test created tables in the checkout's own lake, which is its owner's."""
    before = {*ROOT.glob(OWN_TABLES)}
    yield
    assert {*ROOT.glob(OWN_TABLES)} == before, "a test created tables in data/delta"


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Let SIGINT raise KeyboardInterrupt, as at a terminal: a shell lets its background jobs ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    folder = tmp_path_factory.mktemp("spark")
    settings = Settings(java_home=java_home(ROOT / ".local"))
    overrides = {
        # Unlike a refresh, a test run is long enough to gain from the JVM's second compiler: 652 s became 532 s.
        "spark.driver.defaultJavaOptions": "-XX:+UseSerialGC -XX:+ExitOnOutOfMemoryError",
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.sql.streaming.pollingDelay": "50ms",
        "spark.sql.streaming.noDataMicroBatches.enabled": "false",
        # The Thrift server's cache, which a session has to turn on.
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension,lakehouse.cache.CacheExtension",
    }
    with session(settings, "refresh", overrides) as spark, refuse_date_objects():
        yield spark
