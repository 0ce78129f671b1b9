"""Measure the whole system on this machine, each figure next to its plain variant, its limit and its target.

plain: the same job on the default settings of Spark and Delta. limit: what the components reach alone.
All services are real and run on systems of their own; only Slack is a stub.
The results are written to .local/bench.json.
"""

import argparse
import signal
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import monotonic
from traceback import format_exception

from rich.console import Console

from benchmarks import hr_loads, latency, machine, report, scale_suite, start, sustained, throughput
from benchmarks.measurements import Measurement, merge_measurements
from benchmarks.options import QUICK, Options
from lakehouse import errors
from lakehouse.settings import ROOT
from support.system import Log

Measure = Callable[[Options, Log], Generator[Measurement, None, None]]
# The sections of a row share a stack.
MEASURES: Mapping[tuple[str, ...], Measure] = {
    ("latency",): latency.measure,
    ("throughput",): throughput.measure,
    ("sustained",): sustained.measure,
    ("refresh", "on-demand", "thrift"): scale_suite.measure,
    ("start",): start.measure,
    (hr_loads.HR_FILES_SECTION,): hr_loads.measure,
}
SECTIONS = [name for names in MEASURES for name in names]
BASELINE_FILE = Path(__file__).parent / "baseline.json"
RESULTS_FILE = ROOT / ".local" / "bench.json"


def main() -> int:
    options = _parser().parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if unknown := set(options.sections) - set(SECTIONS):
        raise errors.BadInput(f"no such section: {', '.join(sorted(unknown))}. There are {', '.join(SECTIONS)}.")
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
        Console(width=None if sys.stdout.isatty() else 140).print(report.render_table(lines, baseline), soft_wrap=True)
    if options.keep:
        report.save_baseline(BASELINE_FILE, environment, lines)
    return 1 if failed else 0


def _to_options(options: argparse.Namespace) -> Options:
    """Return the options of the command line, with defaults for the rest."""
    overrides = {
        "sections": tuple(options.sections),
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog='example: make bench SECTIONS="latency thrift" SIZES=10000',
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--sections", nargs="*", default=SECTIONS, metavar="NAME", help=f"{', '.join(SECTIONS)} (default: all)"
    )
    parser.add_argument(
        "--sizes", nargs="*", type=int, default=[], metavar="N", help="activities (default: 10000 500000 5000000)"
    )
    parser.add_argument("--changes", type=int, metavar="N", help="for the throughput (default: 1000000)")
    parser.add_argument(
        "--rate", type=int, metavar="N", help="sustained changes a second (default: the highest steady)"
    )
    parser.add_argument("--keep", action="store_true", help="also write the results to tests/benchmarks/baseline.json")
    parser.add_argument("--quick", action="store_true", help="small counts, to try the harness")
    return parser


if __name__ == "__main__":
    errors.run(main)
