"""Merge new changes into Silver and compute Gold: current figures, figures as of another day, or scenarios."""

from functools import partial

from rich.console import Console

from lakehouse import logs
from lakehouse.cdc.bronze import refill_gaps
from lakehouse.cdc.lake import Lake
from lakehouse.clock import today
from lakehouse.contracts import CAPTURED
from lakehouse.errors import run
from lakehouse.kafka_login import spark_options
from lakehouse.refresh.computation import choose_computation, choose_proof
from lakehouse.refresh.options import build_parser, parse
from lakehouse.refresh.refresh import refresh
from lakehouse.refresh.refresh_report import show
from lakehouse.refresh.table_setup import create_tables, refreshed_tables
from lakehouse.source.capture_check import find_problems
from lakehouse.source.commit_ledger import writable_store
from lakehouse.source.consistent_cut import choose_cut
from lakehouse.source.refresh_lock import exclusive_refresh
from lakehouse.source.roles import loader_settings
from lakehouse.source.source_check import read_source_identity
from lakehouse.spark.session import session


def main() -> None:
    options, settings = parse(build_parser(__doc__ or ""), today()), loader_settings()
    logs.configure(settings.log_format)
    with (
        writable_store(settings, "refresh") as store,
        exclusive_refresh(settings, store, CAPTURED, refreshed_tables(), options.wait) as lock,
    ):
        create_tables(store)
        # Its snapshot comes before the cut, so that Silver at the cut has every change that the snapshot sees.
        with choose_proof(options, settings, store) as proof:
            input_offsets = choose_cut(settings, store, CAPTURED, options.wait)
            problems = find_problems(settings, check_connector=options.wait > 0)
            compute = choose_computation(options, settings)
            with Console().status("refreshing"), session(settings, "refresh", warm=True) as spark:
                lake = Lake(spark, store, lock.ensure_held, lock.stamps)
                refill_gaps(lake, CAPTURED, spark_options(settings), partial(read_source_identity, settings))
                completed_run = refresh(
                    lake,
                    input_offsets,
                    options.day,
                    compute,
                    rebuild_silver=options.rebuild_silver,
                    alert_threshold=options.alert_threshold,
                    problems=problems,
                    proof=proof,
                )
    show(completed_run, today())


if __name__ == "__main__":
    run(main)
