"""What a refresh says on the terminal when it is done: counts and seconds, and nothing of anybody."""

from rich.console import Console
from rich.table import Table

from lakehouse.clock import today
from lakehouse.refresh.runs import Run


def show(run: Run) -> None:
    """Print the tables that had changes, and how long each stage took."""
    console = Console()
    if any(caught.changes for caught in run.catch_up_results):
        table = Table("table", "changes", "refused")
        for result in run.catch_up_results:
            if result.changes:
                table.add_row(result.table, str(result.changes), str(result.refused))
        console.print(table)
    else:
        console.print("No change since the last refresh.")
    # A table's own stage is named after its layer's: "silver/rh_employees".
    stages = ", ".join(f"{name} {elapsed:.1f} s" for name, elapsed in run.seconds.items() if "/" not in name)
    for name, share in run.anomalies.items():
        console.print(f"[bold yellow]{name} moved by {share:+.0%}[/]: {run.before[name]} before, {run.after[name]} now")
    if run.known_at == today():
        console.print("Today is not over: asked again later, what comes until then counts too.")
    console.print(f"Figures as of {run.as_of}: {run.outcome} ({stages})")
