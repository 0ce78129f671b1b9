"""A lake's identity: in a file at its root, whatever becomes of its tables, and one whoever creates it."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lakehouse.cdc.lake_identity import IDENTITY_FILE, read_or_create_lake_id
from lakehouse.cdc.table_store import TableStore
from lakehouse.errors import LakehouseError


def test_identity_stays_after_silver_was_removed(tmp_path: Path) -> None:
    store = TableStore(str(tmp_path))
    store.create_quarantine()
    before = store.lake_id()
    shutil.rmtree(tmp_path / "silver")
    assert store.lake_id() == before


def test_lake_that_was_copied_has_the_same_identity_and_a_new_one_another(tmp_path: Path) -> None:
    original = TableStore(str(tmp_path / "original")).lake_id()
    shutil.copytree(tmp_path / "original", tmp_path / "copy")
    assert TableStore(str(tmp_path / "copy")).lake_id() == original
    assert TableStore(str(tmp_path / "new")).lake_id() != original


def test_processes_that_start_at_the_same_moment_get_one_identity(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        found = [*pool.map(read_or_create_lake_id, [tmp_path / "lake"] * 64)]
    assert len({*found}) == 1
    assert [path.name for path in (tmp_path / "lake").iterdir()] == [IDENTITY_FILE]


def test_identity_is_created_on_a_disk_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    assert read_or_create_lake_id(tmp_path) == read_or_create_lake_id(tmp_path)


def test_lake_whose_folder_is_a_file_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "lake").write_text("", encoding="utf-8")
    with pytest.raises(LakehouseError, match="name another folder in LAKE_URI"):
        TableStore(str(tmp_path / "lake")).lake_id()
