"""A refresh: merge Bronze into Silver up to one consistent cut, then compute Gold from Silver."""

from collections.abc import Callable, Sequence
from datetime import date
from functools import partial

from lakehouse.cdc.contract import Contract
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.merge.silver import CatchUpResult, catch_up, reset_table
from lakehouse.contracts import CAPTURED
from lakehouse.errors import CaptureMismatch, ForeignCommitFound, LakehouseError
from lakehouse.refresh import foreign_repair, runs
from lakehouse.refresh.current import refresh_current
from lakehouse.refresh.foreign_repair import ForeignFindings
from lakehouse.refresh.runs import DEFAULT_ALERT_THRESHOLD, Run
from lakehouse.source.capture_check import problems_by_table
from lakehouse.source.capture_settings import Finding
from lakehouse.source.consistent_cut import ConsistentCut
from lakehouse.spark.parallel import parallel_map, parallel_map_collecting_errors

Compute = Callable[[Lake, Run], None]


def refresh(
    lake: Lake,
    input_offsets: ConsistentCut,
    as_of: date,
    compute: Compute = refresh_current,
    *,
    rebuild_silver: bool = False,
    alert_threshold: float = DEFAULT_ALERT_THRESHOLD,
    problems: Sequence[Finding] = (),
) -> Run:
    """Merge Bronze into Silver up to the cut and compute the figures; append the run to gold.runs, failed or not.

    `rebuild_silver` empties Silver first and merges all of Bronze again, which a changed rule of a contract needs.
    The run marks totals that change by more than `alert_threshold`, a fraction.
    Raises LakehouseError where a table's merge fails; Gold then stays unchanged. Raises CaptureMismatch where there
    are `problems` of captured tables; Silver and the figures that read none of these tables are then up to date.
    Raises ForeignCommitFound where another program wrote to Bronze, or while this ran. What it wrote elsewhere is
    made again.
    """
    run = Run(as_of, input_offsets, alert_threshold, stopped_tables=frozenset(problems_by_table(problems, CAPTURED)))
    try:
        with run.stage("foreign commits"):
            foreign = foreign_repair.find_in_lake(lake.store)
            foreign_repair.reset_foreign_tables(lake, foreign)
        run.stopped_tables |= foreign.stopped_tables
        run.foreign_tables = foreign.gold_tables
        if rebuild_silver:
            with run.stage("rebuild_silver"):
                parallel_map(partial(reset_table, lake), _mergeable(foreign))
        with run.stage("silver"):
            _catch_up_all(lake, run, _mergeable(foreign))
            foreign_repair.resolve_rebuilt(lake.store, foreign, run.catch_up_results)
            foreign_repair.ensure_none_meanwhile(lake.store, foreign, run.catch_up_results)
        with run.stage("gold"):
            compute(lake, run)
        _raise_if_stopped(run, problems, foreign)
        run.outcome = "ok"
    except BaseException as error:
        run.outcome = f"failed: {type(error).__name__}"
        raise
    finally:
        runs.append_run(lake, run)
    return run


def _raise_if_stopped(run: Run, problems: Sequence[Finding], foreign: ForeignFindings) -> None:
    if run.stopped_tables:
        kind = CaptureMismatch if problems else ForeignCommitFound
        raise kind(
            f"No figure that reads {', '.join(sorted(run.stopped_tables))} was computed; the others are up to date.\n"
            + "\n".join([*map(str, problems), *foreign_repair.describe_bronze(foreign)])
        )


def _mergeable(foreign: ForeignFindings) -> list[Contract]:
    return [contract for contract in CAPTURED if contract.table not in foreign.stopped_tables]


def _catch_up_all(lake: Lake, run: Run, contracts: Sequence[Contract]) -> None:
    """Merge the tables up to the cut; raise the collected errors only after all of them were tried."""

    def catch_up_table(contract: Contract) -> CatchUpResult:
        with run.stage(f"silver/{contract.table}"):
            return catch_up(lake, contract, run.input_offsets[contract.table])

    results = parallel_map_collecting_errors(catch_up_table, contracts)
    run.catch_up_results = [result for result in results if isinstance(result, CatchUpResult)]
    if errors := [error for error in results if isinstance(error, LakehouseError)]:
        raise LakehouseError("Gold is unchanged.\n" + "\n".join(map(str, errors)))
