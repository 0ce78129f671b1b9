"""The lake's format: recorded in a new lake, and another version's lake is refused untouched, with the remedy."""

from pathlib import Path

import pytest
from deltalake import DeltaTable, Field, Schema
from deltalake.schema import PrimitiveType

from lakehouse.cdc.lake_format import FORMAT_FILE, LAKE_FORMAT
from lakehouse.cdc.table_store import TableStore
from lakehouse.errors import LakehouseError


def _create_table_of_another_version(lake: Path) -> None:
    DeltaTable.create(str(lake / "silver" / "quarantine"), Schema([Field("resolved_at", PrimitiveType("timestamp"))]))


def _files(lake: Path) -> set[Path]:
    return {path for path in lake.rglob("*") if path.is_file()}


def test_new_lake_records_its_format_once(tmp_path: Path) -> None:
    store = TableStore(str(tmp_path / "lake"))
    for _ in range(2):
        store.create_quarantine()
        assert (tmp_path / "lake" / FORMAT_FILE).read_text(encoding="utf-8") == f"{LAKE_FORMAT}\n"
    assert [path.name for path in (tmp_path / "lake").iterdir() if path.is_file()] == [FORMAT_FILE]


@pytest.mark.parametrize("recorded", [None, "1", "2", str(LAKE_FORMAT + 1), ""])
def test_lake_of_another_format_is_refused_untouched_with_its_remedy(tmp_path: Path, recorded: str | None) -> None:
    _create_table_of_another_version(tmp_path)
    if recorded is not None:
        (tmp_path / FORMAT_FILE).write_text(recorded, encoding="utf-8")
    before = _files(tmp_path)
    with pytest.raises(LakehouseError, match=r"Remove what is in .* and start again: the topics hold everything"):
        TableStore(str(tmp_path)).lake_id()
    assert _files(tmp_path) == before
