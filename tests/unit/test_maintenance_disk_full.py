"""Law 1: a disk that fills up at any step of maintenance costs no row, and is reported for its table."""

import random
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from arro3.core import Array, DataType, Table
from deltalake import DeltaTable, QueryBuilder, write_deltalake

from lakehouse.cdc.maintenance import APPEND_TARGET_BYTES, DEFAULT_RETENTION, MaintenanceResult
from lakehouse.cdc.table_store import TableStore
from lakehouse.errors import LakehouseError
from lakehouse.refresh.maintain_tables import maintain_tables, show

LARGE_TABLE, SMALL_TABLE = ("bronze", "sport_activities"), ("bronze", "rh_employees")
FILE_COUNTS = {LARGE_TABLE: 12, SMALL_TABLE: 2}


@pytest.fixture
def store(tmp_path: Path) -> TableStore:
    """Return a lake of two tables of small files; more files make the commit that replaces them longer."""
    store = TableStore(str(tmp_path))
    for table, files in FILE_COUNTS.items():
        for offset in range(files):
            row = Table.from_pydict({"offset": Array([offset], DataType.int64())})
            write_deltalake(store.path(*table), row, mode="append")
    return store


@contextmanager
def limit_file_size(size: int) -> Iterator[None]:
    """Make the kernel refuse to write a file beyond `size` bytes, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def offsets(store: TableStore, table: tuple[str, str]) -> list[int]:
    stored = QueryBuilder().register("stored", DeltaTable(store.path(*table)))
    return sorted(stored.execute('SELECT "offset" FROM stored').read_all().column("offset").to_pylist())


@pytest.mark.parametrize(
    ("size", "commits"),
    [
        pytest.param(100, 0, id="the compacted file"),
        pytest.param(3_000, 0, id="its commit"),
        pytest.param(8_000, 1, id="the checkpoint"),
    ],
)
def test_full_disk_during_maintenance_is_reported_and_loses_no_row(
    store: TableStore, capsys: pytest.CaptureFixture[str], size: int, commits: int
) -> None:
    before = DeltaTable(store.path(*LARGE_TABLE)).version()
    with limit_file_size(size):
        results = [*maintain_tables(store, [LARGE_TABLE], DEFAULT_RETENTION, APPEND_TARGET_BYTES)]
        assert offsets(store, LARGE_TABLE) == [*range(FILE_COUNTS[LARGE_TABLE])]
    assert DeltaTable(store.path(*LARGE_TABLE)).version() == before + commits
    assert show(results) == 1
    last_error = capsys.readouterr().err.splitlines()[-1]
    assert last_error.startswith(
        f"error: {store.path(*LARGE_TABLE)} was not maintained to the end: File too large (os error 27)."
    )
    assert show(maintain_tables(store, [LARGE_TABLE], DEFAULT_RETENTION, APPEND_TARGET_BYTES)) == 0
    assert offsets(store, LARGE_TABLE) == [*range(FILE_COUNTS[LARGE_TABLE])]


def test_full_disk_for_one_table_does_not_stop_maintenance_of_the_others(store: TableStore) -> None:
    for offset in (12, 13):
        wide: dict[str, Any] = {
            "offset": Array([offset], DataType.int64()),
            "value": Array([random.randbytes(50_000).hex()], DataType.string()),
        }
        write_deltalake(store.path(*LARGE_TABLE), Table.from_pydict(wide), mode="append", schema_mode="merge")
    with limit_file_size(64_000):
        results = dict(maintain_tables(store, [LARGE_TABLE, SMALL_TABLE], DEFAULT_RETENTION, APPEND_TARGET_BYTES))
    assert isinstance(results["/".join(LARGE_TABLE)], LakehouseError)
    small_result = results["/".join(SMALL_TABLE)]
    assert isinstance(small_result, MaintenanceResult)
    assert (small_result.files_before, small_result.files_after) == (2, 1)
