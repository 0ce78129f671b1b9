"""The computation of a refresh: current figures, figures as of another day, or scenarios; and how it is proved."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from lakehouse.cdc.table_store import TableStore
from lakehouse.contracts import CAPTURED
from lakehouse.refresh.as_of import figures_as_of
from lakehouse.refresh.current import refresh_current
from lakehouse.refresh.options import RefreshOptions
from lakehouse.refresh.proof import NOT_WAITED, UNVERIFIED, Proof, earlier_proof, snapshot_proof
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


@contextmanager
def choose_proof(options: RefreshOptions, settings: Settings, store: TableStore) -> Iterator[Proof]:
    """Yield the proof that the options select. The run's cut must be fixed inside the block."""
    if options.scenarios or options.time_point:
        yield earlier_proof(store)
    elif options.unverified or not options.wait:
        yield Proof(UNVERIFIED if options.unverified else NOT_WAITED)
    else:
        with snapshot_proof(settings, CAPTURED, options.wait) as proof:
            yield proof
