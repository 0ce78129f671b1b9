"""Measure the whole system on this machine, each figure next to its plain variant, its limit and its target.

plain: the same job on the default settings of Spark and Delta. limit: what the components reach alone.
All services are real and run on systems of their own; only Slack is a stub.
The results are written to .local/bench.json.
"""

import argparse
import signal
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import monotonic
from traceback import format_exception

from rich.console import Console
from rich.table import Table

from benchmarks import machine, report
from benchmarks.against import run_against
from benchmarks.measurements import Measurement, merge_measurements
from benchmarks.options import QUICK, Options
from benchmarks.sections import MEASURES, SECTIONS
from lakehouse import errors
from lakehouse.arguments import WholeNumber
from lakehouse.settings import ROOT

COMMAND_LINES = """\
examples:
  make bench SECTIONS="latency thrift" SIZES=10000
  make bench AGAINST=HEAD~1 SECTIONS=start
"""
BASELINE_FILE = Path(__file__).parent / "baseline.json"
RESULTS_FILE = ROOT / ".local" / "bench.json"


def main() -> int:
    options = build_parser().parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if unknown := set(options.sections) - set(SECTIONS):
        raise errors.BadInput(f"no such section: {', '.join(sorted(unknown))}. There are {', '.join(SECTIONS)}.")
    if options.against is not None:
        if options.keep:
            raise errors.BadInput("--against and --keep exclude each other: a baseline is of one commit.")
        log = partial(_log, monotonic(), "against")
        _print_table(run_against(options.against, options.rounds, to_arguments(options), log))
        return 0
    if options.keep and options.quick:
        raise errors.BadInput("--quick and --keep exclude each other: the figures of --quick are not comparable.")
    run_options = _to_options(options)
    measured: list[Measurement] = []
    baseline, environment = report.read_results(BASELINE_FILE), {**machine.run_environment(), "quick": options.quick}
    try:
        failed = _measure(run_options, measured)
    finally:
        lines = merge_measurements(measured)
        report.write_results(RESULTS_FILE, environment, lines)
        _print_table(report.render_table(lines, baseline))
    if options.keep:
        report.save_baseline(BASELINE_FILE, environment, lines)
    return 1 if failed else 0


def to_arguments(options: argparse.Namespace) -> Sequence[str]:
    """Return the arguments of a run of one commit: what was given, in words that an older commit knows too."""
    given = {"--sections": options.sections, "--sizes": options.sizes}
    given |= {f"--{name}": [value] for name in ("changes", "rate") if (value := getattr(options, name))}
    words = [word for flag, values in given.items() if values for word in (flag, *map(str, values))]
    return [*words, "--quick"] if options.quick else words


def _print_table(table: Table) -> None:
    Console(width=None if sys.stdout.isatty() else 160).print(table, soft_wrap=True)


def _to_options(options: argparse.Namespace) -> Options:
    """Return the options of the command line, with defaults for the rest."""
    overrides = {
        "sections": tuple(options.sections or SECTIONS),
        "sizes": tuple(options.sizes),
        "changes": options.changes,
        "rates": (options.rate,) if options.rate else (),
    }
    return replace(QUICK if options.quick else Options(), **{name: value for name, value in overrides.items() if value})


def _measure(options: Options, measured: list[Measurement]) -> int:
    """Append each measurement to `measured`, and return how many sections failed; the others still run."""
    failed, started_at = 0, monotonic()
    for names, measure in MEASURES.items():
        if not set(names) & set(options.sections):
            continue
        log = partial(_log, started_at, names[0])
        try:
            # Closing the generator stops its stack, also after an error.
            with closing(measure(options, log)) as lines:
                for line in lines:
                    measured.append(line)
                    _log(started_at, line.section, str(line))
        except Exception as error:  # noqa: BLE001 - the other sections are measured after any error
            failed += 1
            log(f"FAILED: {''.join(format_exception(error))}")
    return failed


def _log(started_at: float, section: str, text: str) -> None:
    print(f"{monotonic() - started_at:7.1f} s  {section:<10} {text}", file=sys.stderr, flush=True)


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog=COMMAND_LINES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--sections", nargs="*", default=[], metavar="NAME", help=f"{', '.join(SECTIONS)} (default: all)"
    )
    parser.add_argument(
        "--sizes", nargs="*", type=int, default=[], metavar="N", help="activities (default: 10000 500000 5000000)"
    )
    parser.add_argument("--changes", type=int, metavar="N", help="for the throughput (default: 1000000)")
    parser.add_argument(
        "--rate", type=int, metavar="N", help="sustained changes a second (default: the highest steady)"
    )
    parser.add_argument("--keep", action="store_true", help="also write the results to tests/benchmarks/baseline.json")
    parser.add_argument(
        "--against", metavar="COMMIT", help="run this checkout and that commit in turn, and compare them"
    )
    parser.add_argument(
        "--rounds", type=WholeNumber(1, 100), default=3, metavar="N", help="runs of each with --against (default: 3)"
    )
    parser.add_argument("--quick", action="store_true", help="small counts, to try the harness")
    return parser


if __name__ == "__main__":
    errors.run(main)
