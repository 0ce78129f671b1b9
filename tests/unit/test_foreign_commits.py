"""Law 9: a version that no writer of ours has noted beforehand is found, whatever its commit says of itself."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from arro3.core import Array, DataType, Table
from deltalake import CommitProperties, DeltaTable, write_deltalake

from lakehouse.cdc.commit_intents import CheckedVersion, ForeignCommit
from lakehouse.cdc.commit_log import last_data_version
from lakehouse.cdc.fence import WriterLease, fence_table
from lakehouse.cdc.foreign_commits import (
    accept,
    accept_restored,
    all_foreign_commits,
    find_foreign_commits,
    resolve_foreign_commits,
)
from lakehouse.cdc.maintenance import compact_and_vacuum
from lakehouse.cdc.table_store import TableStore
from lakehouse.refresh.maintain_tables import maintain_tables
from support.memory_ledger import MemoryLedger

NO_RETENTION = timedelta(0)  # of vacuum: files are removed at once
LOG_TABLE, ROW_TABLE, FIGURE_TABLE = ("bronze", "shoes"), ("silver", "shoes"), ("gold", "sizes")
TABLES = (LOG_TABLE, ROW_TABLE, FIGURE_TABLE, ("silver", "quarantine"))


@pytest.fixture
def ledger() -> MemoryLedger:
    return MemoryLedger()


@pytest.fixture
def store(tmp_path: Path, ledger: MemoryLedger) -> TableStore:
    """Return a lake with three tables that our own writers have created."""
    store = TableStore(str(tmp_path / "lake"), ledger)
    store.create_quarantine()
    for table in (LOG_TABLE, ROW_TABLE, FIGURE_TABLE):
        store.create(*table, {"id": "int"})
    return store


def append(store: TableStore, table: tuple[str, str], *ids: int, commit: CommitProperties | None = None) -> None:
    """Append rows in one commit, as our own writers do; with `commit` as any other client."""
    rows = Table.from_pydict({"id": Array(ids, DataType.int32())})
    write_deltalake(store.path(*table), rows, mode="append", commit_properties=commit or store.begin_commit(*table))


def last_user_metadata(store: TableStore, table: tuple[str, str]) -> CommitProperties:
    """Return the userMetadata of the table's last commit, for another client to copy."""
    [last] = store.delta_table(*table).history(1)
    return CommitProperties(custom_metadata={"userMetadata": last["userMetadata"]})


def found(store: TableStore) -> list[tuple[str, int, int]]:
    return sorted((one.table, one.first_version, one.last_version) for one in find_foreign_commits(store, TABLES))


def test_every_write_of_the_store_is_noted_before_its_commit(store: TableStore, ledger: MemoryLedger) -> None:
    append(store, ROW_TABLE, 1)
    store.set_properties(*ROW_TABLE, {"cdc.note": "1"})
    store.add_columns(*ROW_TABLE, {"id": "int", "name": "string"})
    store.create(*ROW_TABLE, {"id": "int"})  # it is there: no commit, and no intent
    fence_table(store, *ROW_TABLE, WriterLease("refresh", 1))
    history = store.delta_table(*ROW_TABLE).history()
    noted = [(one.after_version, one.token) for one in ledger.noted if one.table == "silver/shoes"]
    assert noted == [(n - 1, json.loads(one["userMetadata"])["token"]) for n, one in enumerate(reversed(history))]
    assert found(store) == []


def test_tables_created_by_us_are_no_strangers_also_the_one_that_has_the_lakes_id(
    store: TableStore, ledger: MemoryLedger
) -> None:
    assert found(store) == []
    assert set(ledger.checked_versions(store.lake_id())) == {"/".join(table) for table in TABLES}


def test_delete_of_a_silver_row_through_another_client_is_found_once_and_until_it_is_resolved(
    store: TableStore,
) -> None:
    append(store, ROW_TABLE, 1, 2)
    assert found(store) == []
    store.delta_table(*ROW_TABLE).delete("id = 1")
    for _ in range(2):
        assert found(store) == [("silver/shoes", 2, 2)]
    resolve_foreign_commits(store, *ROW_TABLE, "rebuilt from Bronze")
    assert found(store) == []
    [finding] = all_foreign_commits(store, TABLES)
    assert str(finding) == (
        f"silver/shoes has version 2: DELETE by {store.delta_table(*ROW_TABLE).history(1)[0]['engineInfo']}, "
        "which no program of ours has noted beforehand."
    )


@pytest.mark.parametrize("is_checked_in_between", [False, True])
def test_update_of_a_gold_row_with_the_last_commits_user_metadata_is_found(
    store: TableStore, is_checked_in_between: bool
) -> None:
    append(store, FIGURE_TABLE, 1)
    if is_checked_in_between:
        assert found(store) == []
    copied = last_user_metadata(store, FIGURE_TABLE)
    store.delta_table(*FIGURE_TABLE).update({"id": "99"}, predicate="id = 1", commit_properties=copied)
    assert found(store) == [("gold/sizes", 2, 2)]


def test_token_of_another_table_is_no_proof(store: TableStore) -> None:
    append(store, ROW_TABLE, 1)
    append(store, FIGURE_TABLE, 1, commit=last_user_metadata(store, ROW_TABLE))
    assert found(store) == [("gold/sizes", 1, 1)]


def test_token_of_another_lake_is_no_proof(store: TableStore, ledger: MemoryLedger, tmp_path: Path) -> None:
    assert found(store) == []
    other = TableStore(str(tmp_path / "other"), ledger)
    other.create_quarantine()
    other.create(*FIGURE_TABLE, {"id": "int"})
    append(store, FIGURE_TABLE, 1, commit=other.begin_commit(*FIGURE_TABLE))
    assert found(store) == [("gold/sizes", 1, 1)]
    assert find_foreign_commits(other, TABLES) == []


def test_append_to_bronze_by_a_stranger_is_found_among_our_own(store: TableStore) -> None:
    append(store, LOG_TABLE, 1)
    append(store, LOG_TABLE, 2, commit=CommitProperties())
    append(store, LOG_TABLE, 3, commit=CommitProperties())
    append(store, LOG_TABLE, 4)
    assert found(store) == [("bronze/shoes", 2, 3)]


@pytest.mark.parametrize("metadata", ["a word", "[1]", "[" * 100_000, '{"token": 7}', '{"token": null}'])
def test_whatever_a_stranger_writes_as_its_metadata_the_check_names_its_version(
    store: TableStore, metadata: str
) -> None:
    append(store, ROW_TABLE, 1, commit=CommitProperties(custom_metadata={"userMetadata": metadata}))
    assert found(store) == [("silver/shoes", 1, 1)]


def test_commit_that_cannot_be_parsed_is_found_and_later_ones_are_still_read(store: TableStore) -> None:
    assert found(store) == []
    append(store, ROW_TABLE, 1)
    log = Path(store.path(*ROW_TABLE), "_delta_log")
    for version, actions in enumerate(({"txn": {"appId": "x", "version": 1}}, {"commitInfo": {"userMetadata": {}}}), 2):
        (log / f"{version:020d}.json").write_text(json.dumps(actions), encoding="utf-8")
    append(store, ROW_TABLE, 2)
    assert found(store) == [("silver/shoes", 1, 3)]
    assert last_data_version(store, *ROW_TABLE) == 4
    append(store, ROW_TABLE, 3)
    assert found(store) == [("silver/shoes", 1, 3)]


def test_writer_killed_between_its_intent_and_its_commit_is_no_stranger(store: TableStore) -> None:
    store.begin_commit(*ROW_TABLE)
    append(store, ROW_TABLE, 1)
    assert found(store) == []


def test_writer_killed_after_its_commit_is_no_stranger(store: TableStore, ledger: MemoryLedger) -> None:
    append(store, ROW_TABLE, 1)
    restarted = TableStore(store.root, ledger)
    append(restarted, ROW_TABLE, 2)
    assert found(restarted) == []


def test_intent_of_before_a_version_does_not_prove_an_earlier_one(store: TableStore, ledger: MemoryLedger) -> None:
    append(store, ROW_TABLE, 1)
    forged = store.begin_commit(*ROW_TABLE)
    [intent] = [one for one, _ in ledger.open_intents.values() if one.after_version == 1]
    ledger.open_intents[intent.token] = (type(intent)(intent.lake_id, intent.table, 2, intent.token), False)
    append(store, ROW_TABLE, 2, commit=forged)
    assert found(store) == [("silver/shoes", 2, 2)]


def test_maintenance_is_no_stranger_also_where_a_check_falls_between_the_two_commits_of_a_vacuum(
    store: TableStore,
) -> None:
    for n in range(3):
        append(store, ROW_TABLE, n)
    results = [*maintain_tables(store, [ROW_TABLE], NO_RETENTION, 1_000_000)]
    assert {result.files_after for _, result in results if hasattr(result, "files_after")} == {1}
    assert found(store) == []
    operations = [one["operation"] for one in store.delta_table(*ROW_TABLE).history(3)]
    assert operations == ["VACUUM END", "VACUUM START", "OPTIMIZE"]


def test_vacuums_token_proves_nothing_else(store: TableStore) -> None:
    append(store, ROW_TABLE, 1)
    append(store, ROW_TABLE, 2)
    [*maintain_tables(store, [ROW_TABLE], NO_RETENTION, 1_000_000)]
    store.delta_table(*ROW_TABLE).delete("id = 1", commit_properties=last_user_metadata(store, ROW_TABLE))
    assert found(store) == [("silver/shoes", 6, 6)]


def test_token_of_a_vacuum_that_has_not_ended_proves_only_its_end(store: TableStore, ledger: MemoryLedger) -> None:
    token = "0" * 32
    log = Path(store.path(*ROW_TABLE), "_delta_log")

    def commit(version: int, operation: str) -> None:
        info = {"commitInfo": {"operation": operation, "userMetadata": json.dumps({"token": token}), "timestamp": 1}}
        Path(log, f"{version:020d}.json").write_text(json.dumps(info), encoding="utf-8")

    store.note_commit(*ROW_TABLE, token)
    commit(1, "VACUUM START")
    assert found(store) == []
    commit(2, "DELETE")
    assert found(store) == [("silver/shoes", 2, 2)]
    commit(3, "VACUUM END")
    commit(4, "VACUUM END")
    assert found(store) == [("silver/shoes", 2, 2), ("silver/shoes", 4, 4)]
    assert token not in ledger.open_intents


def test_maintenance_by_a_stranger_is_a_foreign_commit(store: TableStore) -> None:
    for n in range(3):
        append(store, ROW_TABLE, n)
    compact_and_vacuum(store.path(*ROW_TABLE), NO_RETENTION)
    assert found(store) == [("silver/shoes", 4, 4), ("silver/shoes", 5, 5), ("silver/shoes", 6, 6)]


def test_commits_are_checked_before_maintenance_removes_them_from_the_log(store: TableStore) -> None:
    store.set_properties(*ROW_TABLE, {"delta.logRetentionDuration": "interval 0 seconds"})
    append(store, ROW_TABLE, 1, commit=CommitProperties())
    append(store, ROW_TABLE, 2)
    [*maintain_tables(store, [ROW_TABLE], NO_RETENTION, 1_000_000)]
    assert len(store.delta_table(*ROW_TABLE).history()) < store.delta_table(*ROW_TABLE).version()
    assert found(store) == [("silver/shoes", 2, 2)]


def test_versions_that_left_the_log_unchecked_are_foreign_and_said_once(store: TableStore) -> None:
    append(store, ROW_TABLE, 1)
    assert found(store) == []
    for n in range(3):
        append(store, ROW_TABLE, n)
    table = store.delta_table(*ROW_TABLE)
    table.create_checkpoint()
    for version in (2, 3):
        Path(store.path(*ROW_TABLE), "_delta_log", f"{version:020d}.json").unlink()
    assert found(store) == [("silver/shoes", 2, 3)]
    assert "not readable in the log" in str(find_foreign_commits(store, TABLES)[0])


def test_lake_of_before_is_accepted_once_as_it_is(tmp_path: Path) -> None:
    before = TableStore(str(tmp_path / "before"))
    before.create_quarantine()
    before.create(*ROW_TABLE, {"id": "int"})
    append(before, ROW_TABLE, 1)
    upgraded = TableStore(before.root, MemoryLedger())
    append(upgraded, ROW_TABLE, 2)
    assert found(upgraded) == []
    upgraded.delta_table(*ROW_TABLE).delete("id = 1")
    assert found(upgraded) == [("silver/shoes", 3, 3)]


def test_second_lake_that_nobody_noted_is_not_accepted(store: TableStore, tmp_path: Path) -> None:
    assert found(store) == []
    other = TableStore(str(tmp_path / "other"))
    other.create_quarantine()
    other.create(*ROW_TABLE, {"id": "int"})
    assert found(TableStore(other.root, store.ledger)) == [("silver/quarantine", 0, 0), ("silver/shoes", 0, 0)]


def test_accepted_version_is_no_finding_any_more_and_its_token_proves_nothing(store: TableStore) -> None:
    append(store, LOG_TABLE, 1, commit=CommitProperties())
    append(store, LOG_TABLE, 2)
    assert found(store)
    append(store, LOG_TABLE, 3)
    accept(store, *LOG_TABLE, "a test of the disk")
    assert found(store) == []
    append(store, LOG_TABLE, 4, commit=last_user_metadata(store, LOG_TABLE))
    assert found(store) == [("bronze/shoes", 4, 4)]


def recreate(store: TableStore, table: tuple[str, str]) -> None:
    """Remove the table's folder, and create the table again as our own writers do."""
    path = Path(store.path(*table))
    path.rename(path.with_name(f"{path.name}.removed"))
    store.create(*table, {"id": "int"})


def test_bronze_table_created_again_after_a_foreign_commit_resolves_it_and_its_silver_is_rebuilt(
    store: TableStore,
) -> None:
    append(store, LOG_TABLE, 1, commit=CommitProperties())
    assert found(store) == [("bronze/shoes", 1, 1)]
    recreate(store, LOG_TABLE)
    assert [one.table for one in find_foreign_commits(store, TABLES)] == ["silver/shoes"]


def test_bronze_table_created_again_for_another_reason_is_no_stranger(store: TableStore) -> None:
    append(store, LOG_TABLE, 1)
    assert found(store) == []
    recreate(store, LOG_TABLE)
    assert found(store) == []


def test_silver_table_that_was_removed_and_created_again_is_rebuilt(store: TableStore) -> None:
    append(store, ROW_TABLE, 1)
    assert found(store) == []
    recreate(store, ROW_TABLE)
    append(store, ROW_TABLE, 2)  # it has as many versions as the one before
    [finding] = find_foreign_commits(store, TABLES)
    assert str(finding) == "silver/shoes is another table than the one that was checked up to version 1."


def test_older_copy_of_a_gold_table_is_found(store: TableStore) -> None:
    append(store, FIGURE_TABLE, 1)
    append(store, FIGURE_TABLE, 2)
    assert found(store) == []
    Path(store.path(*FIGURE_TABLE), "_delta_log", f"{2:020d}.json").unlink()
    [finding] = find_foreign_commits(store, TABLES)
    assert str(finding) == "gold/sizes is an older copy than the one that was checked up to version 2."


def test_restored_ledger_after_a_resnapshot_trusts_bronze_and_gold_and_has_silver_rebuilt(
    store: TableStore, ledger: MemoryLedger
) -> None:
    assert found(store) == []
    backup = MemoryLedger([], dict(ledger.open_intents), dict(ledger.checked))
    for table in (LOG_TABLE, ROW_TABLE, FIGURE_TABLE):
        append(store, table, 1)
    restored = TableStore(store.root, backup)
    accept_restored(restored)
    assert found(restored) == [("silver/shoes", 1, 1)]
    append(restored, LOG_TABLE, 2)
    assert found(restored) == [("silver/shoes", 1, 1)]


def test_intents_that_a_restored_ledger_has_again_prove_nothing(store: TableStore, ledger: MemoryLedger) -> None:
    assert found(store) == []
    append(store, FIGURE_TABLE, 1)
    backup = MemoryLedger([], dict(ledger.open_intents), dict(ledger.checked))
    copied = last_user_metadata(store, FIGURE_TABLE)
    append(store, FIGURE_TABLE, 2)
    store.delta_table(*FIGURE_TABLE).create_checkpoint()
    Path(store.path(*FIGURE_TABLE), "_delta_log", f"{1:020d}.json").unlink()
    restored = TableStore(store.root, backup)
    accept_restored(restored)
    append(restored, FIGURE_TABLE, 3, commit=copied)
    assert ("gold/sizes", 3, 3) in found(restored)


def test_table_without_a_new_version_is_not_checked_again(store: TableStore, ledger: MemoryLedger) -> None:
    assert found(store) == []
    ledger.check = None  # type: ignore[assignment, method-assign]
    assert found(store) == []


def test_store_without_a_ledger_finds_nothing(tmp_path: Path) -> None:
    store = TableStore(str(tmp_path))
    store.create_quarantine()
    accept(store, "silver", "quarantine", "why")
    accept_restored(store)
    assert find_foreign_commits(store, TABLES) == []
    assert all_foreign_commits(store, TABLES) == []


@pytest.mark.parametrize(
    ("foreign", "text"),
    [
        (ForeignCommit("bronze/a", "x", 3, 3, "a WRITE"), "bronze/a has version 3: a WRITE"),
        (ForeignCommit("bronze/a", "x", 3, 5, "a WRITE"), "bronze/a has versions 3 to 5: a WRITE"),
    ],
)
def test_finding_names_table_and_versions(foreign: ForeignCommit, text: str) -> None:
    assert str(foreign) == text
    assert (foreign.layer, foreign.name) == ("bronze", "a")


def test_latest_version_is_read_from_the_names_of_commits_and_checkpoints(store: TableStore) -> None:
    assert store.latest_version("silver", "nothing") == -1
    append(store, ROW_TABLE, 1)
    table = DeltaTable(store.path(*ROW_TABLE))
    log = Path(store.path(*ROW_TABLE), "_delta_log")
    (log / f"{9:020d}.json#half-written").touch()
    (log / f".{8:020d}.json.tmp").touch()
    assert store.latest_version(*ROW_TABLE) == 1
    table.create_checkpoint()
    (log / f"{1:020d}.json").unlink()
    assert store.latest_version(*ROW_TABLE) == 1
    assert CheckedVersion(str(table.metadata().id), 1)
