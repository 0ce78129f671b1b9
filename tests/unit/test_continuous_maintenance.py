"""Maintenance during a stream: a table is maintained again if it has changed, and not otherwise."""

from pathlib import Path

import pytest
from arro3.core import Array, DataType, Table
from deltalake import DeltaTable, write_deltalake

from chaos.continuous_maintenance import Maintenance
from lakehouse.cdc.table_store import TableStore
from lakehouse.settings import Settings

ROWS = Table.from_pydict({"offset": Array([1, 2], DataType.int64())})
NEVER_S = float("inf")


def test_a_table_is_maintained_each_time_that_it_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(tmp_path / "bronze" / "rh_employees")
    maintenance = Maintenance(Settings(), TableStore(str(tmp_path)), next_locked_pass_at=NEVER_S)
    printed = []
    for _ in range(2):
        write_deltalake(path, ROWS, mode="append")
        write_deltalake(path, ROWS, mode="append")
        for _ in range(2):
            maintenance.maintain()
            printed.append(capsys.readouterr().out.partition(" ")[2].strip())
    assert printed == [
        "bronze/rh_employees: 2 files into 1",
        "",
        "bronze/rh_employees: 3 files into 1",
        "",
    ]
    assert (tmp_path / "bronze" / "rh_employees" / "_delta_log" / "_last_checkpoint").exists()
    assert len(DeltaTable(path).file_uris()) == 1
