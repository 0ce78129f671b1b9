"""A table that changes under the flow: what fits goes on, what does not is named, and no value is made up for good."""

from dataclasses import replace

import pytest

from lakehouse.cdc.contract import Contract
from lakehouse.cdc.side_by_side import each_or_why
from lakehouse.cdc.silver import catch_up
from lakehouse.errors import SchemaMismatch
from spark.messages import SHOES
from stack.compare import differences
from stack.lab import Bench, Lab

TABLES = """
    CREATE TABLE shoes (id int PRIMARY KEY, size int, note text, price numeric(12,2));
    INSERT INTO shoes SELECT n, n, 'first', n FROM generate_series(1, 9) n;
    CREATE TABLE boots (LIKE shoes INCLUDING ALL);
    INSERT INTO boots SELECT * FROM shoes
"""


@pytest.fixture
def bench(lab: Lab) -> Bench:
    bench = lab([SHOES, replace(SHOES, table="boots")], TABLES)
    bench.start()
    bench.refresh()
    return bench


def mend(bench: Bench, **columns: str | None) -> Contract:
    """Have the contract name these columns too, or no longer; refresh."""
    shoes, boots = bench.contracts
    named = {**shoes.columns, **columns}
    mended = replace(shoes, columns={name: kind for name, kind in named.items() if kind})
    bench.contracts = [mended, boots]
    bench.refresh()
    return mended


def stopped(bench: Bench) -> list[str]:
    """Refresh, and give what each table that could not be says; see that the others were brought up to date."""
    upto = bench.drain()
    found = each_or_why(lambda one: catch_up(bench.lake, one, upto[one.table]), bench.contracts)
    assert differences(bench, bench.contracts[1]) == []
    return [str(one) for one in found if isinstance(one, SchemaMismatch)]


@pytest.mark.long
def test_a_renamed_column_stops_its_table_alone_until_the_contract_follows(bench: Bench) -> None:
    bench.execute(
        "ALTER TABLE shoes RENAME note TO remark",
        "UPDATE shoes SET remark = 'second' WHERE id < 4",
        "UPDATE boots SET note = 'second' WHERE id < 4",
    )
    [said] = stopped(bench)
    assert "shoes: note is in the contract and no longer in the table" in said
    shoes = mend(bench, note=None, remark="string")
    assert differences(bench, shoes) == [f"{n}: remark" for n in range(4, 10)]  # told under the old name
    bench.read_anew()
    bench.refresh()
    assert differences(bench, shoes) == []


@pytest.mark.long
def test_an_added_column_stops_nothing_and_is_filled_once_the_contract_names_it(bench: Bench) -> None:
    bench.execute("ALTER TABLE shoes ADD colour text", "UPDATE shoes SET colour = 'red' WHERE id < 4")
    assert stopped(bench) == []
    assert differences(bench, bench.contracts[0]) == []
    assert differences(bench, mend(bench, colour="string")) == []


@pytest.mark.long
def test_a_default_of_an_added_column_is_read_by_the_command(bench: Bench) -> None:
    bench.execute("ALTER TABLE shoes ADD pairs int DEFAULT 2", "UPDATE shoes SET pairs = 3 WHERE id < 4")
    shoes = mend(bench, pairs="int")
    assert differences(bench, shoes) == [f"{n}: pairs" for n in range(4, 10)]  # no change told of them
    bench.read_anew()
    bench.refresh()
    assert differences(bench, shoes) == []


@pytest.mark.long
def test_a_dropped_column_stops_its_table_alone_until_the_contract_drops_it(bench: Bench) -> None:
    bench.execute("ALTER TABLE shoes DROP note", "UPDATE shoes SET size = 50", "UPDATE boots SET size = 50")
    [said] = stopped(bench)
    assert "shoes: note is in the contract and no longer in the table" in said
    assert differences(bench, mend(bench, note=None)) == []


@pytest.mark.long
def test_a_widened_column_stops_its_table_alone_at_the_first_value_that_does_not_fit(bench: Bench) -> None:
    bench.execute("ALTER TABLE shoes ALTER size TYPE bigint", "UPDATE shoes SET size = 41 WHERE id = 1")
    assert stopped(bench) == []
    assert differences(bench, bench.contracts[0]) == []
    bench.execute("UPDATE shoes SET size = 3000000000 WHERE id = 2", "UPDATE boots SET size = 50")
    [said] = stopped(bench)
    assert "shoes: the value of size is not of the contract's type" in said
    assert differences(bench, mend(bench, size="bigint")) == []
