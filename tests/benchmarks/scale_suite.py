"""The sections refresh, on-demand and thrift, on one stack that grows from size to size."""

from collections.abc import Generator, Iterator

from benchmarks import on_demand, refresh, thrift
from benchmarks.growth import FIRST_EMPLOYEE, grow
from benchmarks.measurements import Measurement, merge_measurements
from benchmarks.options import Options
from benchmarks.system import start_system
from support.system import Log

SCALE_SERVICES = (
    "postgres",
    "kafka",
    "connect",
    "connector-controller",
    "stream-processor",
    "spark-thrift",
    "table-init",
    "thrift-init",
)
GROWTH_DRAIN_TIMEOUT = 7_200.0  # seconds


def measure(options: Options, log: Log) -> Generator[Measurement, None, None]:
    """Yield the measurements of the selected sections among these three, at each size, and the growth ratios."""
    measured = []
    for line in _measure(options, log):
        measured.append(line)
        yield line
    yield from refresh.measure_growth(merge_measurements(measured))


def _measure(options: Options, log: Log) -> Iterator[Measurement]:
    with start_system(log) as system:
        # Without the distance worker and the Slack notifier, which would process every inserted row.
        system.stack.up(*SCALE_SERVICES)
        system.load_company(months=0)
        previous_size = 0
        for size in sorted(options.sizes):
            grow(system, previous_size, size)
            system.drain(GROWTH_DRAIN_TIMEOUT)
            yield from refresh.measure_first_refresh(system, options, size)
            if "refresh" in options.sections:
                yield from refresh.measure(system, options, size)
            if "on-demand" in options.sections:
                yield from on_demand.measure(system, size, FIRST_EMPLOYEE)
            if "thrift" in options.sections:
                yield from thrift.measure(system, options, size, plain=previous_size == 0)
            previous_size = size
