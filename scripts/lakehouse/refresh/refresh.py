"""A refresh: merge Bronze into Silver up to one consistent cut, then compute Gold from Silver."""

from collections.abc import Callable, Sequence
from datetime import date
from functools import partial

from lakehouse.cdc.contract import Contract
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.merge.silver import CatchUpResult, catch_up, reset_table
from lakehouse.contracts import CAPTURED
from lakehouse.errors import CaptureMismatch, LakehouseError
from lakehouse.refresh import runs
from lakehouse.refresh.current import refresh_current
from lakehouse.refresh.proof import Proof
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
    proof: Proof | None = None,
) -> Run:
    """Merge Bronze into Silver up to the cut and compute the figures; append the run to gold.runs, failed or not.

    `rebuild_silver` empties Silver first and merges all of Bronze again, which a changed rule of a contract needs.
    The run marks totals that change by more than `alert_threshold`, a fraction.
    Raises LakehouseError where a table's merge fails; Gold then stays unchanged. Raises CaptureMismatch where there
    are `problems` of captured tables; Silver and the figures that read none of these tables are then up to date.
    Raises SilverDiffers where the `proof` finds a difference to Postgres; Gold then stays unchanged.
    """
    run = Run(
        as_of,
        input_offsets,
        alert_threshold,
        stopped_tables=frozenset(problems_by_table(problems, CAPTURED)),
        proof=proof or Proof(),
    )
    try:
        if rebuild_silver:
            with run.stage("rebuild_silver"):
                parallel_map(partial(reset_table, lake), CAPTURED)
        with run.stage("silver"):
            _catch_up_all(lake, run)
        with run.stage("gold"):
            compute(lake, run)
        _raise_if_stopped(run, problems)
        run.outcome = "ok"
    except BaseException as error:
        run.outcome = f"failed: {type(error).__name__}"
        raise
    finally:
        runs.append_run(lake, run)
    return run


def _raise_if_stopped(run: Run, problems: Sequence[Finding]) -> None:
    if run.stopped_tables:
        raise CaptureMismatch(
            f"No figure that reads {', '.join(sorted(run.stopped_tables))} was computed; the others are up to date.\n"
            + "\n".join(map(str, problems))
        )


def _catch_up_all(lake: Lake, run: Run) -> None:
    """Merge every table up to the cut; raise the collected errors only after all tables were tried."""

    def catch_up_table(contract: Contract) -> CatchUpResult:
        with run.stage(f"silver/{contract.table}"):
            result = catch_up(lake, contract, run.input_offsets[contract.table])
        if contract.table not in run.stopped_tables:
            # While other tables are still merged, which keeps one core busy.
            with run.stage(f"proof/{contract.table}"):
                run.proof.read_silver(lake, contract)
        return result

    results = parallel_map_collecting_errors(catch_up_table, CAPTURED)
    run.catch_up_results = [result for result in results if isinstance(result, CatchUpResult)]
    if errors := [error for error in results if isinstance(error, LakehouseError)]:
        raise LakehouseError("Gold is unchanged.\n" + "\n".join(map(str, errors)))
