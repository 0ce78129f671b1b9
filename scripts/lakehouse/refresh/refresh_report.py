"""Terminal report of a refresh: counts, seconds, and identifiers of refused rows; no value of a person."""

from datetime import date

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from lakehouse.cdc.offsets import lag
from lakehouse.refresh.proof import PROVED
from lakehouse.refresh.runs import Run


def show(run: Run, today: date) -> None:
    """Print the tables with changes, the open refusals, the totals that changed too much, and each stage's seconds."""
    console = Console()
    if any(result.changes for result in run.catch_up_results):
        table = Table("table", "changes", "refused")
        for result in run.catch_up_results:
            if result.changes:
                table.add_row(result.table, str(result.changes), str(result.refused))
        console.print(table)
    else:
        console.print("No change since the last refresh.")
    for table_name, refusals in run.open_refusals.items():
        people = f"; employees {', '.join(map(str, refusals.employees))}" if refusals.employees else ""
        rows = " ".join(refusals.keys)
        console.print(
            f"[bold yellow]{table_name}: {refusals.changes} refused changes are open[/], so that earlier versions "
            f"count. The newest: {escape(rows)}{people}"
        )
    # Only whole stages: those of single tables have a slash, as in "silver/rh_employees".
    stages = ", ".join(f"{name} {elapsed:.1f} s" for name, elapsed in run.seconds.items() if "/" not in name)
    for name, share in run.anomalies.items():
        console.print(f"[bold yellow]{name} moved by {share:+.0%}[/]: {run.before[name]} before, {run.after[name]} now")
    if run.known_at == today:
        console.print("Today is not over: a later run of the same day includes later changes.")
    console.print(_describe_proof(run))
    console.print(f"Figures as of {run.as_of}: {run.outcome} ({stages})")


def _describe_proof(run: Run) -> str:
    """Return what was compared with Postgres, or the earlier cut that the figures rest on."""
    proof, cut = run.proof, run.proof.cut
    if cut is None:
        return f"[bold yellow]Not proved[/] ({proof.state}): Silver was not compared with Postgres."
    proved_at = f"{cut.proved_at:%Y-%m-%d %H:%M:%S} UTC"
    if proof.state != PROVED:
        later = sum(lag(cut.offsets.get(table, {}), offsets) for table, offsets in run.input_offsets.items())
        return f"Rests on the cut proved at {proved_at}; {later} later changes are not proved."
    counted = f", and {proof.counted_rows} counted" if proof.counted_rows else ""
    return f"Proved at {proved_at}: {proof.proved_rows} rows equal Postgres{counted}."
