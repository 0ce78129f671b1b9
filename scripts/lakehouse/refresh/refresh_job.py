"""One refresh from the lock to the journal: what it waits for, proves, merges and computes."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial

from pyspark.sql import SparkSession

from lakehouse.cdc.bronze import refill_gaps
from lakehouse.cdc.lake import Lake
from lakehouse.contracts import CAPTURED
from lakehouse.kafka_login import spark_options
from lakehouse.refresh.computation import choose_computation, choose_proof
from lakehouse.refresh.options import RefreshOptions
from lakehouse.refresh.refresh import refresh
from lakehouse.refresh.runs import Run
from lakehouse.refresh.table_setup import create_tables, refreshed_tables
from lakehouse.settings import Settings
from lakehouse.source.capture_check import find_problems
from lakehouse.source.commit_ledger import writable_store
from lakehouse.source.consistent_cut import choose_cut
from lakehouse.source.refresh_lock import exclusive_refresh
from lakehouse.source.source_check import read_source_identity
from lakehouse.spark.jvm_environment import export_jvm_environment
from lakehouse.spark.parallel import opened_in_background

OpenSession = Callable[[], AbstractContextManager[SparkSession]]


def run_refresh(
    settings: Settings, options: RefreshOptions, open_session: OpenSession, *, journal_unchanged: bool = True
) -> Run:
    """Refresh as the options say, as the only process that does, and return the run.

    The session is opened in a thread while Bronze is waited for. Raises LockHeld where another refresh has the lock
    after `options.wait` seconds, and whatever else `refresh` raises.
    """
    # Variables are set before there are threads: the C library reads them without a lock.
    export_jvm_environment(settings)
    with (
        writable_store(settings, "refresh") as store,
        exclusive_refresh(settings, store, CAPTURED, refreshed_tables(), options.wait) as lock,
    ):
        create_tables(store)
        # Its snapshot comes before the cut, so that Silver at the cut has every change that the snapshot sees.
        with choose_proof(options, settings, store) as proof, opened_in_background(open_session()) as session:
            input_offsets = choose_cut(settings, store, CAPTURED, options.wait)
            problems = find_problems(settings, check_connector=options.wait > 0)
            compute = choose_computation(options, settings)
            lake = Lake(session(), store, lock.ensure_held, lock.stamps)
            refill_gaps(lake, CAPTURED, spark_options(settings), partial(read_source_identity, settings))
            return refresh(
                lake,
                input_offsets,
                options.day,
                compute,
                rebuild_silver=options.rebuild_silver,
                alert_threshold=options.alert_threshold,
                problems=problems,
                proof=proof,
                journal_unchanged=journal_unchanged,
            )
