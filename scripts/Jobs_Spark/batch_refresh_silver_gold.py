"""Merge new changes into Silver and compute Gold: current figures, figures as of another day, or scenarios."""

from functools import partial

from rich.console import Console

from lakehouse import logs
from lakehouse.cdc.bronze import refill_gaps
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.table_store import TableStore
from lakehouse.clock import today
from lakehouse.contracts import CAPTURED
from lakehouse.errors import run
from lakehouse.refresh.as_of import figures_as_of
from lakehouse.refresh.current import refresh_current
from lakehouse.refresh.options import RefreshOptions, build_parser, parse
from lakehouse.refresh.refresh import Compute, refresh
from lakehouse.refresh.refresh_report import show
from lakehouse.refresh.scenarios import what_if
from lakehouse.refresh.table_setup import create_tables
from lakehouse.settings import Settings
from lakehouse.source import consistent_cut
from lakehouse.source.go_live import read_go_live
from lakehouse.source.postgres import short_connection
from lakehouse.source.refresh_lock import exclusive_refresh
from lakehouse.source.source_check import read_source_identity
from lakehouse.spark.session import session


def main() -> None:
    options, settings = parse(build_parser(__doc__ or ""), today()), Settings()
    logs.configure(settings.log_format)
    store = TableStore(settings.lake)
    with exclusive_refresh(settings, store, CAPTURED, options.wait) as check_lock:
        create_tables(store)
        input_offsets = (
            consistent_cut.wait_for_consistent_cut(settings, store, CAPTURED, options.wait)
            if options.wait
            else consistent_cut.bronze_cut(store, CAPTURED)
        )
        compute = _choose_compute(options, settings)
        with Console().status("refreshing"), session(settings, "refresh", warm=True) as spark:
            lake = Lake(spark, store, check_lock)
            refill_gaps(lake, CAPTURED, settings.kafka_bootstrap_servers, partial(read_source_identity, settings))
            completed_run = refresh(
                lake,
                input_offsets,
                options.day,
                compute,
                rebuild_silver=options.rebuild_silver,
                alert_threshold=options.alert_threshold,
            )
    show(completed_run, today())


def _choose_compute(options: RefreshOptions, settings: Settings) -> Compute:
    """Return the computation that the options select."""
    with short_connection(settings) as conn:
        go_live = read_go_live(conn)
    if options.scenarios:
        return partial(what_if, scenarios=options.scenarios, time_point=options.time_point, go_live=go_live)
    if options.time_point:
        return partial(figures_as_of, time_point=options.time_point, go_live=go_live)
    return partial(refresh_current, full_refresh=options.full_refresh)


if __name__ == "__main__":
    run(main)
