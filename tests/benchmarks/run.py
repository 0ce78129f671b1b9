"""Measure the whole system on this machine, each figure beside its plain form, its limit and what is to be reached.

plain: the same job on Spark's and Delta's own settings. limit: the bare parts. Everything is real, in systems of
their own beside yours; only Slack is a server here. What was found goes into .local/bench.json.
"""

import argparse
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import monotonic

from rich.console import Console

from benchmarks import latency, machine, report
from benchmarks.lines import Line, together
from benchmarks.options import QUICK, Options
from benchmarks.system import Say
from lakehouse import errors
from lakehouse.errors import LakehouseError
from lakehouse.settings import ROOT

Measure = Callable[[Options, Say], Iterator[Line]]
SECTIONS: Mapping[str, Measure] = {"latency": latency.measure}
KEPT = Path(__file__).parent / "kept.json"
FOUND = ROOT / ".local" / "bench.json"


def main() -> int:
    options = _parser().parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    chosen = options.sections or list(SECTIONS)
    if unknown := set(chosen) - set(SECTIONS):
        raise errors.BadInput(f"no such section: {', '.join(sorted(unknown))}. There are {', '.join(SECTIONS)}.")
    wanted = QUICK if options.quick else Options()
    wanted = replace(wanted, sizes=tuple(options.sizes or wanted.sizes), changes=options.changes or wanted.changes)
    found: list[Line] = []
    kept, failed = report.read(KEPT), 0
    try:
        failed = _measure([name for name in SECTIONS if name in chosen], wanted, found)
    finally:
        lines = together(found)
        about = {**machine.about(), "quick": options.quick}
        report.write(FOUND, about, lines)
        Console(width=None if sys.stdout.isatty() else 140).print(report.table(lines, kept), soft_wrap=True)
    if options.keep:
        report.write(KEPT, about, together([*kept.values(), *lines]))
    return 1 if failed else 0


def _measure(sections: Sequence[str], options: Options, found: list[Line]) -> int:
    """Fill in what is found; a section that fails does not stop the next. Give how many failed."""
    failed, began = 0, monotonic()
    for name in sections:
        say = partial(_say, began, name)
        try:
            for line in SECTIONS[name](options, say):
                found.append(line)
                say(str(line))
        except LakehouseError as error:
            failed += 1
            say(f"FAILED: {error}")
    return failed


def _say(began: float, section: str, text: str) -> None:
    print(f"{monotonic() - began:7.1f} s  {section:<10} {text}", file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog='example: make bench SECTIONS="latency thrift" SIZES=10000',
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--sections", nargs="*", metavar="NAME", help=f"{', '.join(SECTIONS)} (default: all)")
    parser.add_argument("--sizes", nargs="*", type=int, metavar="N", help="activities (default: 10000 500000 5000000)")
    parser.add_argument("--changes", type=int, metavar="N", help="waiting for throughput (default: 1000000)")
    parser.add_argument("--keep", action="store_true", help="write what was found to tests/benchmarks/kept.json too")
    parser.add_argument("--quick", action="store_true", help="small counts, to try the harness")
    return parser


if __name__ == "__main__":
    errors.run(main)
