"""A refresh: Silver brought up to one cut of the log, then every figure computed from it. Alone reads and writes."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from functools import partial
from time import monotonic
from zoneinfo import ZoneInfo

from lakehouse.cdc.catalog import Catalog
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.side_by_side import each_or_why, side_by_side
from lakehouse.cdc.silver import Caught, catch_up, start_over
from lakehouse.contracts import CAPTURED, REWARD_RULES, STRAVA_ACTIVITIES
from lakehouse.errors import LakehouseError
from lakehouse.gold import runs
from lakehouse.gold.figures import figures
from lakehouse.gold.rules import rules_at
from lakehouse.gold.runs import RUNS, Run
from lakehouse.gold.tables import GOLD
from lakehouse.source.cut import Cut

MANY = 200_000  # activities


def today() -> date:
    """Give the day that it is in Paris."""
    return datetime.now(ZoneInfo("Europe/Paris")).date()


def make_tables(catalog: Catalog) -> None:
    """Make Silver's and Gold's tables, empty, where they are not there yet."""
    catalog.make_quarantine()
    for contract in CAPTURED:
        catalog.make_silver(contract)
    for name, columns in {**GOLD, "runs": RUNS}.items():
        catalog.make("gold", name, columns)


def refresh(lake: Lake, cut: Cut, as_of: date, *, rebuild: bool = False) -> Run:
    """Bring Silver up to the cut and compute every figure of the day; the run is in gold.runs, also when it fails.

    `rebuild` empties Silver first and reads all of Bronze again, as a changed rule of a contract asks for.
    """
    run = Run(as_of, cut)
    try:
        if rebuild:
            with _stage(run, "start over"):
                side_by_side(partial(start_over, lake), CAPTURED)
        with _stage(run, "silver"):
            run.caught = _catch_up(lake, run)
        with _stage(run, "gold"):
            _compute(lake, run)
        run.outcome = "ok"
    except BaseException as error:
        run.outcome = f"failed: {type(error).__name__}"
        raise
    finally:
        runs.write(lake, run)
    return run


def _catch_up(lake: Lake, run: Run) -> list[Caught]:
    """Bring every table up; what one of them refuses to do does not stop the others, and is told at the end."""

    def up(contract: Contract) -> Caught:
        with _stage(run, f"silver/{contract.table}"):
            return catch_up(lake, contract, run.cut[contract.table])

    found = each_or_why(up, CAPTURED)
    if errors := [error for error in found if isinstance(error, LakehouseError)]:
        raise LakehouseError("Gold was left as it was.\n" + "\n".join(map(str, errors)))
    return [caught for caught in found if isinstance(caught, Caught)]


def _compute(lake: Lake, run: Run) -> None:
    """Compute each figure whose inputs are not those that its table was computed from."""
    with _stage(run, "gold/rules"):
        run.rules = rules_at(lake.silver(REWARD_RULES), run.as_of)
    # A long history pays for plans that are compiled.
    long = lake.catalog.rows("silver", STRAVA_ACTIVITIES.table) > MANY
    computed = figures(lake.in_bulk() if long else lake, run.rules, run.as_of)
    inputs = {name: (one, one.inputs(lake.catalog)) for name, one in computed.items()}
    stale = [name for name, (_, now) in inputs.items() if now != lake.catalog.made_of("gold", name)]

    def put(name: str) -> None:
        figure, now = inputs[name]
        with _stage(run, f"gold/{name}"):
            lake.replace(figure.compute(), "gold", name, made_of=now)

    side_by_side(put, stale)


@contextmanager
def _stage(run: Run, name: str) -> Iterator[None]:
    began = monotonic()
    try:
        yield
    finally:
        run.seconds[name] = monotonic() - began
