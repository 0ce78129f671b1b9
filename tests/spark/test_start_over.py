"""A table whose contract changed is read anew from Bronze, with the new column filled for all rows."""

from dataclasses import replace
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from lakehouse.cdc import quarantine
from lakehouse.cdc.silver import catch_up, start_over
from spark.messages import SHOES, put
from spark.shoes import Shoes

COLOURED = replace(SHOES, columns={**SHOES.columns, "colour": "string"})


def test_a_column_that_the_contract_names_now_is_filled_for_all_rows(
    spark: SparkSession, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    shoes = Shoes(spark, tmp_path)
    coloured = '{"op": "u", "after": {"id": 1, "size": 41, "note": "secret", "price": "1.00", "colour": "red"}}'
    shoes.take(put(1, raw=coloured), put(2, 42, raw=coloured.replace('"id": 1', '"id": 2')))
    catch_up(shoes.lake, COLOURED, shoes.catalog.taken_in(SHOES))
    assert {row.id: row.colour for row in shoes.lake.silver(SHOES).collect()} == {1: "red", 2: "red"}
    assert "secret" not in capfd.readouterr().err


@pytest.mark.long
def test_killed_while_it_empties_silver_it_starts_over_again(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shoes = Shoes(spark, tmp_path)
    shoes.take(put(1, 41), put(2, -2))

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(quarantine, "forget", die)
        with pytest.raises(KeyboardInterrupt):
            start_over(shoes.lake, SHOES)
    shoes.take()
    assert shoes.now() == {1: 41}
    assert len(shoes.refused()) == 1
    assert shoes.lake.versions(SHOES).count() == 2
