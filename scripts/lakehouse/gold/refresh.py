"""A refresh: Silver brought up to one cut of the log, then every figure computed from it. Alone reads and writes."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from functools import partial
from time import monotonic
from zoneinfo import ZoneInfo

from pyspark.sql import DataFrame

from lakehouse.cdc.catalog import Catalog
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.side_by_side import each_or_why, side_by_side
from lakehouse.cdc.silver import Caught, catch_up, start_over
from lakehouse.contracts import CAPTURED, REWARD_RULES, STRAVA_ACTIVITIES
from lakehouse.errors import LakehouseError
from lakehouse.gold import runs
from lakehouse.gold.figures import Figure, figures
from lakehouse.gold.made_of import MadeOf
from lakehouse.gold.rules import rules_at
from lakehouse.gold.runs import RUNS, Run
from lakehouse.gold.tables import GOLD
from lakehouse.gold.touched import touched
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


def refresh(lake: Lake, cut: Cut, as_of: date, *, rebuild: bool = False, full: bool = False) -> Run:
    """Bring Silver up to the cut and compute every figure of the day; the run is in gold.runs, also when it fails.

    `rebuild` empties Silver first and reads all of Bronze again, as a changed rule of a contract asks for. `full`
    computes each figure from all of Silver, whatever it is made of; the rows are the same.
    """
    run = Run(as_of, cut)
    try:
        if rebuild:
            with _stage(run, "start over"):
                side_by_side(partial(start_over, lake), CAPTURED)
        with _stage(run, "silver"):
            run.caught = _catch_up(lake, run)
        with _stage(run, "gold"):
            _compute(lake, run, full=full)
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


def _compute(lake: Lake, run: Run, *, full: bool) -> None:
    """Compute each figure whose inputs are not those that its table was computed from."""
    with _stage(run, "gold/rules"):
        run.rules = rules_at(lake.silver(REWARD_RULES), run.as_of)
    wanted = figures(run.rules, run.as_of)
    now = {name: figure.inputs(lake.catalog) for name, figure in wanted.items()}
    made = {} if full else {name: MadeOf.read(lake.catalog.made_of("gold", name)) for name in wanted}
    stale = [name for name in wanted if now[name] != made.get(name)]
    amended: Mapping[str, DataFrame] = {}
    whole = lake
    # A short history is computed sooner than it is told who is touched.
    if lake.catalog.rows("silver", STRAVA_ACTIVITIES.table) > MANY:
        whole = lake.in_bulk()
        with _stage(run, "gold/touched"):
            follow = {name: since for name in stale if (since := made.get(name)) and now[name].follows(since)}
            amended = _amended(lake, run.as_of, wanted, follow)

    def put(name: str) -> None:
        with _stage(run, f"gold/{name}"):
            rows = amended[name] if name in amended else wanted[name].compute(whole)
            lake.replace(rows, "gold", name, made_of=now[name].text())

    side_by_side(put, stale)


def _amended(
    lake: Lake, as_of: date, wanted: Mapping[str, Figure], made: Mapping[str, MadeOf]
) -> Mapping[str, DataFrame]:
    """Give the rows of the figures that can be amended, where few people are touched since they were made."""
    amends = {name: amend for name in made if (amend := wanted[name].amend)}
    # They are made of the same, but for one that a run was killed before.
    since = [*{(str(made[name].silver), made[name].day): made[name] for name in amends}.values()]
    if len(since) != 1 or (people := touched(lake, since[0], as_of)) is None:
        return {}
    return {name: amend(lake.read("gold", name), people) for name, amend in amends.items()}


@contextmanager
def _stage(run: Run, name: str) -> Iterator[None]:
    began = monotonic()
    try:
        yield
    finally:
        run.seconds[name] = monotonic() - began
