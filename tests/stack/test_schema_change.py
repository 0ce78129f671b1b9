"""A table whose columns change: rows that fit are merged, and a missing column stops its table alone and is named."""

from dataclasses import replace

import pytest

from lakehouse.cdc.contract import Contract
from lakehouse.cdc.merge.silver import catch_up
from lakehouse.errors import SchemaMismatch
from lakehouse.spark.parallel import parallel_map_collecting_errors
from spark.messages import SHOES
from stack.cdc_harness import CdcHarness, HarnessFactory
from stack.hazard_tables import ALTERED, UNALTERED
from stack.silver_diff import differences

TABLES = """
    CREATE TABLE shoes (id int PRIMARY KEY, size int, note text, price numeric(12,2));
    INSERT INTO shoes SELECT n, n, 'first', n FROM generate_series(1, 9) n;
    CREATE TABLE boots (LIKE shoes INCLUDING ALL);
    INSERT INTO boots SELECT * FROM shoes
"""


@pytest.fixture
def harness(make_harness: HarnessFactory) -> CdcHarness:
    harness = make_harness([SHOES, replace(SHOES, table="boots")], TABLES)
    harness.start()
    harness.merge_silver()
    return harness


def change_contract(harness: CdcHarness, **columns: str | None) -> Contract:
    """Add columns to the contract, or remove those that are None, and merge again."""
    shoes, boots = harness.contracts
    columns_by_name = {**shoes.columns, **columns}
    changed = replace(shoes, columns={name: kind for name, kind in columns_by_name.items() if kind})
    harness.contracts = [changed, boots]
    harness.merge_silver()
    return changed


def refresh_and_list_errors(harness: CdcHarness) -> list[str]:
    """Merge every table, check that boots equals Postgres, and return the messages of schema mismatches."""
    offsets = harness.drain()
    results = parallel_map_collecting_errors(
        lambda one: catch_up(harness.lake, one, offsets[one.table]), harness.contracts
    )
    assert differences(harness, harness.contracts[1]) == []
    return [str(one) for one in results if isinstance(one, SchemaMismatch)]


@pytest.mark.long
def test_renamed_column_stops_only_its_table_until_the_contract_follows(harness: CdcHarness) -> None:
    harness.execute(
        "ALTER TABLE shoes RENAME note TO remark",
        "UPDATE shoes SET remark = 'second' WHERE id < 4",
        "UPDATE boots SET note = 'second' WHERE id < 4",
    )
    errors = refresh_and_list_errors(harness)
    assert len(errors) == 1
    assert "shoes: note is in the contract and no longer in the table" in errors[0]
    shoes = change_contract(harness, note=None, remark="string")
    assert differences(harness, shoes) == [f"{n}: remark" for n in range(4, 10)]  # their changes have the old name
    harness.resnapshot()
    harness.merge_silver()
    assert differences(harness, shoes) == []


def test_added_column_is_backfilled_and_dropped_column_stops_only_its_table(share_harness: HarnessFactory) -> None:
    """Take over 20 s: two changes of the contract, each of which rebuilds Silver from Bronze."""
    harness = share_harness(ALTERED, UNALTERED)
    harness.merge_silver()
    harness.execute("ALTER TABLE altered_shoes ADD colour text", "UPDATE altered_shoes SET colour = 'red' WHERE id < 4")
    assert refresh_and_list_errors(harness) == []
    assert differences(harness, harness.contracts[0]) == []
    assert differences(harness, change_contract(harness, colour="string")) == []
    harness.execute(
        "ALTER TABLE altered_shoes DROP note",
        "UPDATE altered_shoes SET size = 50",
        "UPDATE unaltered_shoes SET size = 50",
    )
    errors = refresh_and_list_errors(harness)
    assert len(errors) == 1
    assert "altered_shoes: note is in the contract and no longer in the table" in errors[0]
    assert differences(harness, change_contract(harness, note=None)) == []


@pytest.mark.long
def test_default_of_an_added_column_is_filled_by_a_resnapshot(harness: CdcHarness) -> None:
    harness.execute("ALTER TABLE shoes ADD pairs int DEFAULT 2", "UPDATE shoes SET pairs = 3 WHERE id < 4")
    shoes = change_contract(harness, pairs="int")
    assert differences(harness, shoes) == [f"{n}: pairs" for n in range(4, 10)]  # no change has their values
    harness.resnapshot()
    harness.merge_silver()
    assert differences(harness, shoes) == []


@pytest.mark.long
def test_widened_column_refuses_only_the_overflowing_row_until_the_contract_follows(harness: CdcHarness) -> None:
    harness.execute("ALTER TABLE shoes ALTER size TYPE bigint", "UPDATE shoes SET size = 41 WHERE id = 1")
    assert refresh_and_list_errors(harness) == []
    assert differences(harness, harness.contracts[0]) == []
    harness.execute("UPDATE shoes SET size = 3000000000 WHERE id = 2", "UPDATE boots SET size = 50")
    assert refresh_and_list_errors(harness) == []
    assert differences(harness, harness.contracts[0]) == ["2: size"]
    [entry] = harness.lake.quarantine().collect()
    assert (entry.key, entry.reasons) == ('{"id":2}', ["valeur d'un autre type : size"])
    assert differences(harness, change_contract(harness, size="bigint")) == []
    assert harness.lake.quarantine().count() == 0
