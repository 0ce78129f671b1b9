"""Law 1: a disk that is full at whatever step of maintenance costs no row, and is told for the table that it hit."""

import random
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from arro3.core import Array, DataType, Table
from deltalake import DeltaTable, QueryBuilder, write_deltalake

from lakehouse.cdc.catalog import Catalog
from lakehouse.cdc.upkeep import APPENDED_TO, WEEK, Kept
from lakehouse.errors import LakehouseError
from lakehouse.gold.upkeep import keep_each, show

MANY, FEW = ("bronze", "sport_activities"), ("bronze", "rh_employees")
FILES = {MANY: 12, FEW: 2}


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    """Return a lake of two tables of small files; the more there are, the longer a commit that replaces them all."""
    catalog = Catalog(str(tmp_path))
    for table, files in FILES.items():
        for offset in range(files):
            row = Table.from_pydict({"offset": Array([offset], DataType.int64())})
            write_deltalake(catalog.path(*table), row, mode="append")
    return catalog


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Have the kernel refuse to write a file beyond so many bytes, as on a disk that is full there."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def offsets(catalog: Catalog, table: tuple[str, str]) -> list[int]:
    stored = QueryBuilder().register("stored", DeltaTable(catalog.path(*table)))
    found: list[int] = stored.execute('SELECT "offset" FROM stored').read_all().column("offset").to_pylist()
    return sorted(found)


@pytest.mark.parametrize(
    ("size", "commits"),
    [
        pytest.param(100, 0, id="the compacted file"),
        pytest.param(3_000, 0, id="its commit"),
        pytest.param(8_000, 1, id="the checkpoint"),
    ],
)
def test_a_full_disk_is_told_and_costs_no_row(
    catalog: Catalog, capsys: pytest.CaptureFixture[str], size: int, commits: int
) -> None:
    before = DeltaTable(catalog.path(*MANY)).version()
    with largest_file(size):
        done = [*keep_each(catalog, [MANY], WEEK, APPENDED_TO)]
        assert offsets(catalog, MANY) == [*range(FILES[MANY])]
    assert DeltaTable(catalog.path(*MANY)).version() == before + commits
    assert show(done) == 1
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith(f"error: {catalog.path(*MANY)} was not maintained to the end: File too large (os error 27).")
    assert show(keep_each(catalog, [MANY], WEEK, APPENDED_TO)) == 0
    assert offsets(catalog, MANY) == [*range(FILES[MANY])]


def test_the_other_tables_are_maintained(catalog: Catalog) -> None:
    for offset in (12, 13):
        wide: dict[str, Any] = {
            "offset": Array([offset], DataType.int64()),
            "value": Array([random.randbytes(50_000).hex()], DataType.string()),
        }
        write_deltalake(catalog.path(*MANY), Table.from_pydict(wide), mode="append", schema_mode="merge")
    with largest_file(64_000):
        done = dict(keep_each(catalog, [MANY, FEW], WEEK, APPENDED_TO))
    assert isinstance(done["/".join(MANY)], LakehouseError)
    few = done["/".join(FEW)]
    assert isinstance(few, Kept)
    assert (few.files_before, few.files_after) == (2, 1)
