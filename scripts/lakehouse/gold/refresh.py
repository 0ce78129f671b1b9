"""A refresh: Silver brought up to one cut of the log, then figures computed from it. Alone reads and writes."""

from collections.abc import Callable
from datetime import date
from functools import partial

from lakehouse.cdc.catalog import Catalog
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.side_by_side import each_or_why, side_by_side
from lakehouse.cdc.silver import Caught, catch_up, start_over
from lakehouse.contracts import CAPTURED
from lakehouse.errors import LakehouseError
from lakehouse.gold import runs
from lakehouse.gold.runs import MOVES_OVER, RUNS, Run
from lakehouse.gold.tables import ASKED, GOLD
from lakehouse.gold.today import figures_of_the_day
from lakehouse.source.cut import Cut

Compute = Callable[[Lake, Run], None]


def make_tables(catalog: Catalog) -> None:
    """Make Silver's and Gold's tables, empty, where they are not there yet; an older Gold gets its new columns."""
    catalog.make_quarantine()
    for contract in CAPTURED:
        catalog.make_silver(contract)
    gold = {name: (columns, ()) for name, columns in {**GOLD, "runs": RUNS}.items()} | dict(ASKED)
    for name, (columns, by) in gold.items():
        catalog.make("gold", name, columns, by=by)
        catalog.add_columns("gold", name, columns)


def refresh(
    lake: Lake,
    cut: Cut,
    as_of: date,
    compute: Compute = figures_of_the_day,
    *,
    rebuild: bool = False,
    moves_over: float = MOVES_OVER,
) -> Run:
    """Bring Silver up to the cut and compute figures of the day; the run is in gold.runs, also when it fails.

    `rebuild` empties Silver first and reads all of Bronze again, as a changed rule of a contract asks for. A figure
    that moves by more than the share `moves_over` is marked in the run.
    """
    run = Run(as_of, cut, moves_over)
    try:
        if rebuild:
            with run.stage("start over"):
                side_by_side(partial(start_over, lake), CAPTURED)
        with run.stage("silver"):
            _catch_up(lake, run)
        with run.stage("gold"):
            compute(lake, run)
        run.outcome = "ok"
    except BaseException as error:
        run.outcome = f"failed: {type(error).__name__}"
        raise
    finally:
        runs.write(lake, run)
    return run


def _catch_up(lake: Lake, run: Run) -> None:
    """Bring every table up; what one of them refuses to do does not stop the others, and is told at the end."""

    def up(contract: Contract) -> Caught:
        with run.stage(f"silver/{contract.table}"):
            return catch_up(lake, contract, run.cut[contract.table])

    found = each_or_why(up, CAPTURED)
    run.caught = [caught for caught in found if isinstance(caught, Caught)]
    if errors := [error for error in found if isinstance(error, LakehouseError)]:
        raise LakehouseError("Gold was left as it was.\n" + "\n".join(map(str, errors)))
