"""The sections of a run by the names that `--sections` takes. Those of a row share a stack."""

from collections.abc import Callable, Generator, Mapping

from benchmarks import first, hr_loads, latency, live, scale_suite, start, sustained, throughput
from benchmarks.measurements import Measurement
from benchmarks.options import Options
from support.system import Log

Measure = Callable[[Options, Log], Generator[Measurement, None, None]]
# A further section is a module with such a function, and a row here.
MEASURES: Mapping[tuple[str, ...], Measure] = {
    ("latency",): latency.measure,
    ("throughput",): throughput.measure,
    ("sustained",): sustained.measure,
    ("refresh", "on-demand", "thrift"): scale_suite.measure,
    ("start",): start.measure,
    (live.LIVE_SECTION,): live.measure,
    (hr_loads.HR_FILES_SECTION,): hr_loads.measure,
    (first.FIRST_SECTION,): first.measure,
}
SECTIONS = [name for names in MEASURES for name in names]
