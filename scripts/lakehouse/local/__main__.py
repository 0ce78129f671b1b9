"""The services without Docker: python -m lakehouse.local up|down|reset|status|logs|classes|demo."""

import argparse
import os
import shutil
import subprocess
from collections.abc import Callable

from rich.console import Console
from rich.table import Table

from lakehouse.arguments import Parser
from lakehouse.errors import BadInput, LakehouseError, NotReady, UsageError, run
from lakehouse.local.aot_build import build_aot_cache, start_aot_build
from lakehouse.local.capture_status import read_table_status, to_rich_table
from lakehouse.local.demo import demo
from lakehouse.local.reset_plan import ResetPlan, find_lake_folder, plan_lake
from lakehouse.local.stack import Stack
from lakehouse.private_file import close_to_others
from lakehouse.settings import ROOT, Settings
from lakehouse.source.roles import as_loader

LOCAL_HOME = ROOT / ".local"
DATA_DIRS = ("postgres", "kafka", "connect", "thrift", "logs", "run", "errors", "tmp")
DEFAULT_LAKE = Settings.model_fields["lake_uri"].default
COMMAND_EXAMPLES = """\
examples:
  python -m lakehouse.local up                  all services
  python -m lakehouse.local up postgres kafka   some of them
  python -m lakehouse.local logs connect        one log, as it grows
  python -m lakehouse.local reset               stop, and delete the data but not the downloads
"""


def _stop_on_interrupt(stack: Stack, start: Callable[[], None]) -> None:
    """Run `start`; on Ctrl-C, stop the stack unless it was up before."""
    was_up = stack.is_up()
    try:
        start()
    except KeyboardInterrupt:
        if not was_up:
            print("\ninterrupted: stopping what was started")
            stack.down()
        raise


def down(stack: Stack, _names: list[str]) -> None:
    """Stop all services."""
    stack.down()
    print("stopped; the data is still there")


def reset(stack: Stack, _names: list[str]) -> None:
    """Stop all services, delete the data but not the downloads, and print what was deleted.

    What is not this checkout's is named and left, and the exit code is 1.
    """
    lake = find_lake_folder(stack.settings.lake_uri, ROOT)
    stack.down()
    plan = ResetPlan()
    if lake:
        plan = plan_lake(lake, owner=stack.owner, is_default=lake == ROOT / DEFAULT_LAKE)
    folders = [path for name in DATA_DIRS if os.path.lexists(path := LOCAL_HOME / name)]
    plan.leave += [path for path in folders if path.is_symlink()]
    for path in [*(path for path in folders if not path.is_symlink()), *plan.delete]:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        print(f"deleted {path}")
    left = [*map(str, plan.leave), *([] if lake else [stack.settings.lake])]
    if left:
        raise LakehouseError(f"left, for it is not known to be this checkout's: {', '.join(left)}")


def status(stack: Stack, _names: list[str]) -> None:
    """Print the state of every service, and of every captured table: its rows on both sides, and what is owed."""
    table, services = Table("service", "state", "pid", "address", "ready", "memory"), stack.status()
    for service in services:
        ready = "yes" if service.ready else "no"
        table.add_row(
            service.name, service.state, str(service.pid or ""), service.address, ready, f"{service.memory >> 20} MiB"
        )
    Console().print(table)
    for service in services:
        if service.protection:
            print(f"{service.name} is protected by {service.protection}")
    if stack.is_up():
        _print_table_status(as_loader(stack.settings))


def _print_table_status(settings: Settings) -> None:
    try:
        Console().print(to_rich_table(read_table_status(settings)))
    except NotReady as error:
        print(f"The captured tables could not be counted: {error}")


def logs(stack: Stack, names: list[str]) -> None:
    """Show the logs as they grow, until Ctrl-C."""
    chosen = [stack.logs / f"{name}.log" for name in names] or sorted(stack.logs.glob("*.log"))
    if absent := [path.stem for path in chosen if not path.exists()]:
        raise UsageError(
            f"no log of {', '.join(absent)} in {stack.logs}.\nThe services are {', '.join(stack.service_names)}."
        )
    if not chosen:
        raise BadInput(f"no log in {stack.logs}: nothing was started yet. Start it: make up")
    subprocess.run(["tail", "-n", "50", "-F", *map(str, chosen)], check=False)


COMMANDS: dict[str, tuple[Callable[[Stack, list[str]], int | None], str]] = {
    "up": (
        lambda stack, names: _stop_on_interrupt(stack, lambda: stack.up(*names)),
        "start services (default: all) and wait until they are ready",
    ),
    "down": (down, "stop them all; the data stays"),
    "reset": (reset, "stop them and delete the data, not the downloads"),
    "status": (status, "show each service, and the rows of each captured table"),
    "logs": (logs, "follow the logs (default: all)"),
    "classes": (
        lambda stack, _: build_aot_cache(stack.settings, stack.home, stack.environment()),
        "build Java's cache of Spark's classes, so that each JVM starts sooner; once, about a minute",
    ),
    "demo": (
        lambda stack, _: _stop_on_interrupt(stack, lambda: demo(stack)),
        "the whole way, from the files to the figures",
    ),
}


def main() -> int | None:
    """Parse the command line, and run the command on the checkout's own stack."""
    parser = Parser(
        prog="python -m lakehouse.local",
        description=__doc__,
        epilog=COMMAND_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (_, description) in COMMANDS.items():
        command = commands.add_parser(name, help=description, description=description)
        if name in {"up", "logs"}:
            command.add_argument("services", nargs="*", metavar="SERVICE")
    options = parser.parse_args()
    if options.command in {"up", "demo"}:
        close_to_others((LOCAL_HOME, ROOT / "data"))  # what git wrote, and earlier versions
    stack = Stack(LOCAL_HOME, Settings(), on_start=start_aot_build)
    return COMMANDS[options.command][0](stack, getattr(options, "services", []))


if __name__ == "__main__":
    run(main)
