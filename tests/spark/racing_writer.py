"""A process that appends to a table by delta-rs up to a version: python -m spark.racing_writer LOG NAME LAST.

It starts once a file named go is in the log's folder, and prints each version that it committed.
"""

import sys
import time
from pathlib import Path

from arro3.core import Array, DataType, Table
from deltalake import CommitProperties, DeltaTable, write_deltalake


def main() -> None:
    log, name, last = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    table = DeltaTable(str(log.parent))
    rows = Table.from_pydict({"id": Array([1], DataType.int32()), "note": Array([name], DataType.string())})
    (log / f"ready-{name}").touch()
    while not (log / "go").exists():
        time.sleep(0.001)
    while table.version() < last:
        named = CommitProperties(custom_metadata={"userMetadata": name}, max_commit_retries=1000)
        write_deltalake(table, rows, mode="append", commit_properties=named)
        print(table.version())


if __name__ == "__main__":
    main()
