"""Faults planted in a lake, to check the checkers: a hole, a double, both at once, a forged row, a foreign commit.

Each is a commit by delta-rs or by hand, as another program or a fault of ours would write it. A hole or a double is a
compaction that lost or repeated a row: nothing but the rows themselves shows it.
"""

import json
import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

from arro3.core import Table
from deltalake import CommitProperties, DeltaTable, QueryBuilder, write_deltalake
from deltalake.exceptions import CommitFailedError

from lakehouse.cdc.table_store import STATS_COLUMNS_PROPERTY, TableStore
from lakehouse.contracts import SPORT_ACTIVITIES, STRAVA_ACTIVITIES
from lakehouse.errors import LakehouseError

MAX_COMMIT_ATTEMPTS = 20  # of a commit that conflicts with those of others
MIN_ROWS = 3  # of the file to rewrite: its first and last offsets stay
BRONZE_TABLE = STRAVA_ACTIVITIES.table
FORGED_TABLE = "prime_sportive"

# SQL over the rows of a file, ordered by offset and numbered from 1 in `n`, of which there are `total`.
NUMBERED = """
    SELECT *, row_number() OVER (ORDER BY "offset") AS n, count(*) OVER () AS total FROM stored
    WHERE incarnation = {incarnation} AND "partition" = {partition} AND "offset" BETWEEN {first} AND {last}
"""
WITHOUT_SECOND, ALL_ROWS, SECOND_LAST = "n <> 2", "true", "n = total - 1"


def plant_hole(store: TableStore) -> str:
    """Remove one row of Bronze, and return its description."""
    return _rewrite_file(store, (WITHOUT_SECOND,), "one offset removed")


def plant_double(store: TableStore) -> str:
    """Write one row of Bronze a second time, and return its description."""
    return _rewrite_file(store, (ALL_ROWS, SECOND_LAST), "one offset doubled")


def plant_both(store: TableStore) -> str:
    """Remove one row of a file and double another: its number of rows stays; return the description."""
    return _rewrite_file(store, (WITHOUT_SECOND, SECOND_LAST), "one offset removed, another one doubled")


def plant_forged_row(store: TableStore) -> str:
    """Raise one prime in Gold by a commit with the userMetadata of the last one, and return its description."""

    def forge(table: DeltaTable) -> None:
        stamp = next(commit["userMetadata"] for commit in table.history() if commit.get("userMetadata"))
        table.update(
            updates={"montant_prime": "montant_prime + 1000"},
            predicate=f"employee_id = {_first_id(table, 'employee_id', 'eligible')}",
            commit_properties=CommitProperties(custom_metadata={"userMetadata": stamp}),
        )

    return _commit(store, "gold", FORGED_TABLE, forge, "one prime raised, by a commit with the stamp of the last one")


def plant_foreign_commit(store: TableStore) -> str:
    """Delete one row of Silver, in a table that the writer seldom changes, and return its description."""

    def delete(table: DeltaTable) -> None:
        table.delete(f"id = {_first_id(table, 'id', 'true')}")

    return _commit(store, "silver", SPORT_ACTIVITIES.table, delete, "one row deleted by another program")


PLANTS: Mapping[str, Callable[[TableStore], str]] = {
    "hole": plant_hole,
    "double": plant_double,
    "both": plant_both,
    "forged-row": plant_forged_row,
    "foreign-commit": plant_foreign_commit,
}


def _first_id(table: DeltaTable, column: str, condition: str) -> int:
    query = f"SELECT min({column}) AS id FROM stored WHERE {condition}"  # noqa: S608 - our own names
    return int(QueryBuilder().register("stored", table).execute(query).read_all().column("id").to_pylist()[0])


def _commit(store: TableStore, layer: str, name: str, change: Callable[[DeltaTable], object], what: str) -> str:
    """Change the table's latest version, again where another writer commits meanwhile; return what was changed."""
    for _ in range(MAX_COMMIT_ATTEMPTS):
        table = store.delta_table(layer, name)
        try:
            change(table)
        except CommitFailedError:
            continue
        return f"{layer}/{name}: {what}, after version {table.version()}"
    raise LakehouseError(f"{layer}/{name} changed {MAX_COMMIT_ATTEMPTS} times while a fault was planted in it.")


def _rewrite_file(store: TableStore, selections: tuple[str, ...], what: str) -> str:
    """Replace the largest file of Bronze by one with the selected rows, and return what was changed."""
    return _commit(store, "bronze", BRONZE_TABLE, lambda table: _replace_largest(table, selections), what)


def _replace_largest(table: DeltaTable, selections: tuple[str, ...]) -> None:
    """Commit the removal of the table's largest file, and a new file with the selected rows of it.

    Raises CommitFailedError where the next version exists already.
    """
    replaced, folder = _largest_file(table), Path(table.table_uri.removeprefix("file://"))
    with TemporaryDirectory(dir=folder.parent) as staging:
        write_deltalake(
            staging,
            _select(table, replaced, selections),
            partition_by=table.metadata().partition_columns,
            configuration={STATS_COLUMNS_PROPERTY: table.metadata().configuration[STATS_COLUMNS_PROPERTY]},
        )
        first_commit = Path(staging) / "_delta_log" / f"{0:020}.json"
        [added] = [action["add"] for action in _actions(first_commit) if "add" in action]
        path = Path(added["path"]).with_name(f"part-{uuid4()}.snappy.parquet")
        shutil.move(Path(staging) / added["path"], folder / path)
    now = int(time.time() * 1000)
    commit = [
        {"commitInfo": {"timestamp": now, "operation": "OPTIMIZE", "engineInfo": "chaos.planting"}},
        {"remove": {"path": replaced["path"], "dataChange": False, "deletionTimestamp": now}},
        {"add": added | {"path": str(path), "dataChange": False}},
    ]
    _write_commit(folder / "_delta_log" / f"{table.version() + 1:020}.json", commit)


def _largest_file(table: DeltaTable) -> Mapping[str, Any]:
    """Return the largest file's action, its fields flattened as by delta-rs. Raises LakehouseError for a small one."""
    files: Any = table.get_add_actions(flatten=True)
    columns = {name: files.column(name).to_pylist() for name in files.schema.names}
    actions = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    largest = max(actions, key=lambda action: action["num_records"], default={"num_records": 0})
    if largest["num_records"] < MIN_ROWS:
        raise LakehouseError(f"{table.table_uri} has no file of {MIN_ROWS} rows to plant a fault in.")
    return largest


def _select(table: DeltaTable, file: Mapping[str, Any], selections: tuple[str, ...]) -> Table:
    """Return the rows of each selection, one after the other."""
    numbered = NUMBERED.format(
        incarnation=file["partition.incarnation"],
        partition=file["partition.partition"],
        first=file["min.offset"],
        last=file["max.offset"],
    )
    columns = ", ".join(f'"{field.name}"' for field in table.schema().fields)
    query = " UNION ALL ".join(
        f"SELECT {columns} FROM ({numbered}) WHERE {selection}"  # noqa: S608 - our own names
        for selection in selections
    )
    rows: Table = QueryBuilder().register("stored", table).execute(query).read_all()
    return rows


def _actions(file: Path) -> list[Mapping[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def _write_commit(file: Path, actions: Sequence[Mapping[str, Any]]) -> None:
    """Write a commit as our log store does, by a hard link. Raises CommitFailedError where the version exists."""
    unfinished = file.with_name(f".{uuid4()}.planted")
    unfinished.write_text("".join(f"{json.dumps(action)}\n" for action in actions), encoding="utf-8")
    try:
        os.link(unfinished, file)
    except FileExistsError as error:
        raise CommitFailedError(str(error)) from error
    finally:
        unfinished.unlink()
