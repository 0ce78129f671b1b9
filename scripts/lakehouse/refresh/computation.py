"""The computation of a refresh: current figures, figures as of another day, or scenarios."""

from functools import partial

from lakehouse.refresh.as_of import figures_as_of
from lakehouse.refresh.current import refresh_current
from lakehouse.refresh.options import RefreshOptions
from lakehouse.refresh.refresh import Compute
from lakehouse.refresh.scenarios import what_if
from lakehouse.settings import Settings
from lakehouse.source.go_live import read_go_live
from lakehouse.source.postgres import short_connection


def choose_computation(options: RefreshOptions, settings: Settings) -> Compute:
    """Return the computation that the options select."""
    with short_connection(settings) as conn:
        go_live = read_go_live(conn)
    if options.scenarios:
        return partial(what_if, scenarios=options.scenarios, time_point=options.time_point, go_live=go_live)
    if options.time_point:
        return partial(figures_as_of, time_point=options.time_point, go_live=go_live)
    return partial(refresh_current, full_refresh=options.full_refresh)
