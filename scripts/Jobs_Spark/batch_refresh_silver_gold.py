"""Refresh Silver and Gold: take in what is new, and compute the figures of the day; or of another day, or what if."""

from functools import partial

from rich.console import Console

from lakehouse import logs
from lakehouse.cdc.bronze import refill_gaps
from lakehouse.cdc.catalog import Catalog
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.session import session
from lakehouse.clock import today
from lakehouse.contracts import CAPTURED
from lakehouse.errors import run
from lakehouse.gold.answers import figures_as_of
from lakehouse.gold.asked import Asked, parser, read
from lakehouse.gold.refresh import Compute, make_tables, refresh
from lakehouse.gold.report import show
from lakehouse.gold.scenarios import what_if
from lakehouse.gold.today import figures_of_the_day
from lakehouse.settings import Settings
from lakehouse.source import cut
from lakehouse.source.identity import identify
from lakehouse.source.recorded import went_live
from lakehouse.source.turn import turn


def main() -> None:
    asked, settings = read(parser(__doc__ or ""), today()), Settings()
    logs.configure(settings.log_format)
    catalog = Catalog(settings.lake)
    with turn(settings, catalog, CAPTURED, asked.wait) as still_mine:
        make_tables(catalog)
        fixed = (
            cut.of_everything(settings, catalog, CAPTURED, asked.wait) if asked.wait else cut.current(catalog, CAPTURED)
        )
        compute = _compute(asked, settings)
        with Console().status("refreshing"), session(settings, "refresh", warm=True) as spark:
            lake = Lake(spark, catalog, still_mine)
            refill_gaps(lake, CAPTURED, settings.kafka_bootstrap_servers, partial(identify, settings))
            done = refresh(lake, fixed, asked.day, compute, rebuild=asked.rebuild, moves_over=asked.mark_over)
    show(done)


def _compute(asked: Asked, settings: Settings) -> Compute:
    """Give what computes that which was asked for."""
    if asked.scenarios:
        return partial(what_if, asked=asked.scenarios, question=asked.question, live=went_live(settings))
    if asked.question:
        return partial(figures_as_of, question=asked.question, live=went_live(settings))
    return partial(figures_of_the_day, full=asked.full)


if __name__ == "__main__":
    run(main)
