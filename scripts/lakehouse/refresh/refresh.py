"""A refresh: merge Bronze into Silver up to one consistent cut, then compute Gold from Silver."""

from collections.abc import Callable, Sequence
from datetime import date

from lakehouse.cdc.lake import Lake
from lakehouse.contracts import CAPTURED
from lakehouse.errors import CaptureMismatch, ForeignCommitFound, LakehouseError
from lakehouse.refresh import foreign_repair, runs
from lakehouse.refresh.current import refresh_current
from lakehouse.refresh.foreign_repair import ForeignFindings
from lakehouse.refresh.merge_tables import merge_tables
from lakehouse.refresh.offset_findings import offset_findings
from lakehouse.refresh.open_refusals import read_open_refusals
from lakehouse.refresh.proof import Proof
from lakehouse.refresh.runs import DEFAULT_ALERT_THRESHOLD, Run
from lakehouse.source.capture_check import problems_by_table
from lakehouse.source.capture_settings import Finding
from lakehouse.source.consistent_cut import ConsistentCut

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
    journal_unchanged: bool = True,
) -> Run:
    """Merge Bronze into Silver up to the cut and compute the figures; append the run to gold.runs, failed or not.

    Without `journal_unchanged`, a run that succeeds and has changed nothing is not appended.
    `rebuild_silver` computes all of Silver from Bronze again, which a changed rule of a contract needs.
    The run marks totals that change by more than `alert_threshold`, a fraction.
    Raises LakehouseError where a table's merge fails. Raises CaptureMismatch where there are `problems` of captured
    tables, or one lacks offsets or has some twice (law 1). The figures that read none of these tables are then up to
    date. Raises ForeignCommitFound where another program wrote to Bronze, or while this ran. What it wrote elsewhere is
    made again.
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
        with run.stage("foreign commits"):
            foreign = foreign_repair.find_in_lake(lake.store)
            foreign_repair.reset_foreign_tables(lake, foreign)
        run.stopped_tables |= foreign.stopped_tables
        run.foreign_tables = foreign.gold_tables
        run.has_repaired = bool(foreign.commits)
        with run.stage("silver"):
            mergeable = [contract for contract in CAPTURED if contract.table not in foreign.stopped_tables]
            errors = merge_tables(lake, run, mergeable, rebuild_silver=rebuild_silver)
            foreign_repair.resolve_rebuilt(lake.store, foreign, run.catch_up_results)
            foreign_repair.ensure_none_meanwhile(lake.store, foreign, run.catch_up_results)
            run.open_refusals = read_open_refusals(lake.store)
        with run.stage("offsets"):
            problems = [*problems, *offset_findings(lake.store)]
            run.stopped_tables |= frozenset(problems_by_table(problems, CAPTURED))
            run.proof.leave_out(run.stopped_tables)
        with run.stage("gold"):
            _compute(lake, run, compute, [*problems, *errors])
        _raise_if_stopped(run, problems, errors, foreign)
        run.outcome = "ok"
    except BaseException as error:
        run.outcome = f"failed: {type(error).__name__}"
        raise
    finally:
        if journal_unchanged or run.has_changed_something:
            runs.append_run(lake, run)
    return run


def _compute(lake: Lake, run: Run, compute: Compute, causes: Sequence[object]) -> None:
    """Compute the figures. Where that fails, the error also has the causes of the run's stopped tables."""
    try:
        compute(lake, run)
    except LakehouseError as error:
        if run.stopped_tables:
            raise LakehouseError(_describe_stopped(run, "", [*causes, error])) from error
        raise


def _raise_if_stopped(
    run: Run, problems: Sequence[Finding], errors: Sequence[LakehouseError], foreign: ForeignFindings
) -> None:
    if run.stopped_tables:
        kind = LakehouseError if errors else CaptureMismatch if problems else ForeignCommitFound
        causes = [*problems, *errors, *foreign_repair.describe_bronze(foreign)]
        raise kind(_describe_stopped(run, "; the others are up to date", causes))


def _describe_stopped(run: Run, others: str, causes: Sequence[object]) -> str:
    stopped = f"No figure that reads {', '.join(sorted(run.stopped_tables))} was computed{others}."
    return "\n".join(map(str, (stopped, *causes)))
