"""Refreshes, what else they are asked, and questions over Thrift, of one stack that grows from size to size."""

from collections.abc import Generator, Iterator

from benchmarks import questions, refresh, thrift
from benchmarks.growth import FIRST_EMPLOYEE, grow
from benchmarks.lines import Line, together
from benchmarks.options import Options
from benchmarks.system import Say, system

NEEDED = ("postgres", "kafka", "connect", "registrar", "stream-processor", "spark-thrift", "thrift-init")
DRAINS = 7_200.0  # seconds


def measure(options: Options, say: Say) -> Generator[Line, None, None]:
    """Give the lines of these sections, or of those that were asked for."""
    told = []
    for line in _measure(options, say):
        told.append(line)
        yield line
    yield from refresh.growth(together(told))


def _measure(options: Options, say: Say) -> Iterator[Line]:
    with system(say) as it:
        # Whom the growing company concerns otherwise is not asked: the distance worker, Slack's notifier.
        it.stack.up(*NEEDED)
        it.load_company(months=0)
        before = 0
        for size in sorted(options.sizes):
            grow(it, before, size)
            it.drain(DRAINS)
            yield from refresh.first(it, size)
            if "refresh" in options.sections:
                yield from refresh.measure(it, options, size)
            if "questions" in options.sections:
                yield from questions.measure(it, size, FIRST_EMPLOYEE)
            if "thrift" in options.sections:
                yield from thrift.measure(it, options, size, plain=before == 0)
            before = size
