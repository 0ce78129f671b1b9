"""The services without Docker: python -m lakehouse.local up|down|reset|status|logs|classes|demo."""

import argparse
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from lakehouse.errors import BadInput, LakehouseError, run
from lakehouse.local.demo import demo
from lakehouse.local.stack import Stack
from lakehouse.settings import ROOT, Settings

HOME = ROOT / ".local"
DATA_DIRS = ("postgres", "kafka", "connect", "thrift", "logs", "run")
EXAMPLES = """\
examples:
  python -m lakehouse.local up                  all services
  python -m lakehouse.local up postgres kafka   some of them
  python -m lakehouse.local logs connect        one log, as it grows
  python -m lakehouse.local reset               stop, and delete the data but not the downloads
"""


def _stop_on_interrupt(stack: Stack, start: Callable[[], None]) -> None:
    """Leave nothing half started behind on Ctrl-C; what was up before stays."""
    was_up = stack.is_up()
    try:
        start()
    except KeyboardInterrupt:
        if not was_up:
            print("\ninterrupted: stopping what was started")
            stack.down()
        raise


def down(stack: Stack, _names: list[str]) -> None:
    """Stop everything."""
    stack.down()
    print("stopped; the data is still there")


def reset(stack: Stack, _names: list[str]) -> None:
    """Stop everything, delete what was loaded, and say what."""
    stack.down()
    lake = Path(stack.settings.lake)
    content = [path for path in lake.iterdir() if path.name != ".gitkeep"] if lake.is_dir() else []
    for path in [*(HOME / name for name in DATA_DIRS), *content]:
        if path.exists():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
            print(f"deleted {path}")


def status(stack: Stack, _names: list[str]) -> None:
    """Print every service."""
    table = Table("service", "state", "pid", "address", "ready", "memory")
    for service in stack.status():
        ready = "yes" if service.ready else "no"
        table.add_row(
            service.name, service.state, str(service.pid or ""), service.address, ready, f"{service.memory >> 20} MiB"
        )
    Console().print(table)


def logs(stack: Stack, names: list[str]) -> None:
    """Show the logs as they grow, until Ctrl-C."""
    chosen = [stack.logs / f"{name}.log" for name in names] or sorted(stack.logs.glob("*.log"))
    if absent := [path.stem for path in chosen if not path.exists()]:
        raise BadInput(f"no log of {', '.join(absent)} in {stack.logs}")
    if not chosen:
        raise BadInput(f"no log in {stack.logs}: nothing was started yet. Start it: make up")
    subprocess.run(["tail", "-n", "50", "-F", *map(str, chosen)], check=False)


def build_aot_cache(stack: Stack, _names: list[str]) -> None:
    """Have Java keep what Spark loads; a JVM that starts finds it, whatever it runs."""
    print("Spark's classes, as Java loads them soonest: about a minute, once")
    command = (sys.executable, "-m", "lakehouse.spark.aot_cache")
    # Java has pages to say of where it writes, and from what.
    result = subprocess.run(command, env=stack.environment(), capture_output=True, text=True, check=False)
    if result.returncode:
        raise LakehouseError(f"Spark's classes could not be kept:\n{result.stderr[-2_000:]}")


COMMANDS: dict[str, tuple[Callable[[Stack, list[str]], int | None], str]] = {
    "up": (
        lambda stack, names: _stop_on_interrupt(stack, lambda: stack.up(*names)),
        "start services (default: all) and wait until they are ready",
    ),
    "down": (down, "stop them all; the data stays"),
    "reset": (reset, "stop them and delete the data, not the downloads"),
    "status": (status, "show each service"),
    "logs": (logs, "follow the logs (default: all)"),
    "classes": (
        build_aot_cache,
        "have Java keep Spark's classes, so that each JVM starts sooner; once, about a minute",
    ),
    "demo": (
        lambda stack, _: _stop_on_interrupt(stack, lambda: demo(stack)),
        "the whole way, from the files to the figures",
    ),
}


def main() -> int | None:
    """Parse the command, and carry it out on the checkout's own stack."""
    parser = argparse.ArgumentParser(
        prog="python -m lakehouse.local",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (_, description) in COMMANDS.items():
        command = commands.add_parser(name, help=description, description=description)
        if name in {"up", "logs"}:
            command.add_argument("services", nargs="*", metavar="SERVICE")
    options = parser.parse_args()
    stack = Stack(HOME, Settings())
    return COMMANDS[options.command][0](stack, getattr(options, "services", []))


if __name__ == "__main__":
    run(main)
