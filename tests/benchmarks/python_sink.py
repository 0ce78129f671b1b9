"""The smallest consumer that writes a topic to a Delta table: kafka-python and delta-rs, one append per poll.

It is the limit that Bronze is compared with: -m benchmarks.python_sink --table /tmp/scratch.
"""

import argparse
from typing import Any

from arro3.core import Array, DataType, Table
from deltalake import write_deltalake

from lakehouse.contracts import STRAVA_ACTIVITIES
from lakehouse.errors import run
from lakehouse.retries import StopSignal
from lakehouse.settings import Settings
from lakehouse.source import topics


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, epilog="example: python -m benchmarks.python_sink --table /t")
    parser.add_argument("--table", required=True, metavar="DIR")
    parser.add_argument("--rows", type=int, default=500, help="rows per append at most (default: 500)")
    parser.add_argument(
        "--upto", type=int, metavar="OFFSET", help="read from the beginning up to this offset, then exit"
    )
    options = parser.parse_args()
    stop = StopSignal().on_sigterm()
    with topics.consumer_session(Settings(), [STRAVA_ACTIVITIES.topic]) as consumer:
        if options.upto is None:
            consumer.seek_to_end()
        next_offset = -1
        while not stop.is_set() and (options.upto is None or next_offset < options.upto):
            for records in consumer.poll(100, max_records=options.rows).values():
                _append(
                    options.table, [(record.offset, record.key.decode(), record.value.decode()) for record in records]
                )
                next_offset = records[-1].offset + 1


def _append(table: str, rows: list[tuple[int, str, str]]) -> None:
    offsets, keys, values = zip(*rows, strict=True)
    columns: dict[str, Any] = {
        "offset": Array(offsets, type=DataType.int64()),
        "key": Array(keys, type=DataType.string()),
        "value": Array(values, type=DataType.string()),
    }
    write_deltalake(table, Table.from_pydict(columns), mode="append")


if __name__ == "__main__":
    run(main)
