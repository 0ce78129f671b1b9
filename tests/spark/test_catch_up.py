"""Laws 2, 4 and 5: Silver is the table as it is now, whatever batches its changes came in and however often."""

from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from lakehouse.cdc import silver
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.positions import Lane
from lakehouse.cdc.silver import Caught, catch_up
from lakehouse.errors import LakehouseError, SchemaMismatch
from spark.messages import SHOES, Change, delete, insert, put
from spark.shoes import Shoes

LONG = pytest.mark.long


@pytest.fixture
def shoes(spark: SparkSession, tmp_path: Path) -> Shoes:
    return Shoes(spark, tmp_path)


@pytest.mark.parametrize(
    ("few", "many"),
    [(silver.FEW, silver.MANY), *(pytest.param(*sizes, marks=LONG) for sizes in [(0, silver.MANY), (silver.FEW, 0)])],
)
def test_inserts_updates_and_deletes_over_two_batches(
    shoes: Shoes, monkeypatch: pytest.MonkeyPatch, few: int, many: int
) -> None:
    monkeypatch.setattr(silver, "FEW", few)
    monkeypatch.setattr(silver, "MANY", many)
    assert shoes.take(put(1, 41), put(2, 42), put(3, 43)) == Caught("shoes", 3, 0, 3)
    assert shoes.take(put(2, 52), delete(3), put(4, 44)) == Caught("shoes", 3, 0, 3)
    assert shoes.now() == {1: 41, 2: 52, 4: 44}
    assert shoes.take() == Caught("shoes")


def test_what_lies_beyond_the_cut_is_left_for_the_next_one(shoes: Shoes) -> None:
    shoes.arrive(put(1, 41), put(2, 42), put(1, 51), delete(2))
    assert catch_up(shoes.lake, SHOES, {Lane(0, 0): 1}) == Caught("shoes", 2, 0, 2)
    assert shoes.now() == {1: 41, 2: 42}
    assert shoes.take() == Caught("shoes", 2, 0, 2)
    assert shoes.now() == {1: 51}


def test_a_refused_change_is_in_quarantine_until_a_later_one_passes_or_the_key_goes(shoes: Shoes) -> None:
    assert shoes.take(put(1, 41), put(1, -1), put(2, -2)).refused == 2
    assert shoes.now() == {1: 41}
    assert shoes.refused() == [('{"id":1}', ["pointure négative"], None), ('{"id":2}', ["pointure négative"], None)]
    shoes.take(put(1, 42), delete(2))
    assert shoes.now() == {1: 42}
    assert [by for _, _, by in shoes.refused()] == ["corrigé", "supprimé"]


@LONG
def test_what_corrects_one_refusal_leaves_a_later_one_open(shoes: Shoes) -> None:
    shoes.take(put(1, -1))
    shoes.take(put(1, 41), put(1, -2))
    assert [by for _, _, by in shoes.refused()] == ["corrigé", None]


@LONG
def test_a_message_that_is_not_json_is_refused_once_and_stops_nothing(shoes: Shoes) -> None:
    broken = Change(None, None, raw="not json")
    assert shoes.take(put(1, 41), broken) == Caught("shoes", 2, 1, 1)
    assert shoes.take() == Caught("shoes")
    shoes.take(put(2, 42))
    assert shoes.now() == {1: 41, 2: 42}
    assert shoes.refused() == [("{}", ["message illisible"], None)]


@LONG
@pytest.mark.parametrize("dies_before", ["_merge", "append"])
def test_killed_between_two_tables_the_next_run_gives_the_same_rows(
    shoes: Shoes, monkeypatch: pytest.MonkeyPatch, dies_before: str
) -> None:
    shoes.take(put(1, 41), put(2, 42))
    shoes.arrive(put(1, -1), delete(2), put(3, 43))

    with monkeypatch.context() as patch:
        patch.setattr(silver if dies_before == "_merge" else Lake, dies_before, _die)
        with pytest.raises(KeyboardInterrupt):
            shoes.take()
    shoes.take()
    assert shoes.now() == {1: 41, 3: 43}
    assert len(shoes.refused()) == 1
    assert shoes.lake.versions(SHOES).count() == 5


@LONG
def test_inserts_of_a_killed_run_are_not_there_twice(shoes: Shoes, monkeypatch: pytest.MonkeyPatch) -> None:
    shoes.take(put(1, 41), put(2, 42))
    shoes.arrive(insert(3, 43), insert(4, 44))
    with monkeypatch.context() as patch:
        patch.setattr(silver, "_written_alone", _die)
        with pytest.raises(KeyboardInterrupt):
            shoes.take()
    shoes.take(insert(5, 45))
    assert shoes.now() == {1: 41, 2: 42, 3: 43, 4: 44, 5: 45}
    assert shoes.lake.silver(SHOES).count() == 5


@LONG
@pytest.mark.parametrize("change", [insert(2, 42), put(1, 42)])
def test_another_refresh_that_writes_meanwhile_is_noticed(
    shoes: Shoes, monkeypatch: pytest.MonkeyPatch, change: Change
) -> None:
    shoes.take(put(1, 41))
    find = silver._all_new

    def beside(lake: Lake, *told: Any) -> bool:
        found = find(lake, *told)
        lake.append(lake.silver(SHOES), "silver", SHOES.table)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(silver, "_all_new", beside)
        with pytest.raises(LakehouseError, match="--rebuild"):
            shoes.take(change)
    silver.start_over(shoes.lake, SHOES)
    shoes.take()
    assert shoes.now() == {1: 41} | {change.id: change.size}
    assert shoes.lake.silver(SHOES).count() == len(shoes.now())


@LONG
def test_a_refusal_that_a_killed_run_noted_is_closed_by_what_came_since(
    shoes: Shoes, monkeypatch: pytest.MonkeyPatch
) -> None:
    shoes.take(put(1, 41))
    with monkeypatch.context() as patch:
        patch.setattr(silver, "_merge", _die)
        with pytest.raises(KeyboardInterrupt):
            shoes.take(put(1, -1))
    shoes.take(put(1, 42))
    assert [by for _, _, by in shoes.refused()] == ["corrigé"]
    assert shoes.now() == {1: 42}


def test_a_value_that_does_not_fit_its_type_stops_the_table_and_says_where(shoes: Shoes) -> None:
    shoes.take(put(1, 41))
    broken = '{"op": "u", "after": {"id": 2, "size": "secret", "note": null, "price": null}}'
    with pytest.raises(SchemaMismatch, match=r"shoes: the value of size .* partition 0, offset 1") as error:
        shoes.take(Change("u", 2, raw=broken))
    assert "secret" not in str(error.value)
    assert shoes.now() == {1: 41}


def test_a_column_that_is_gone_stops_the_table_and_is_named(shoes: Shoes) -> None:
    with pytest.raises(SchemaMismatch, match="shoes: price is in the contract"):
        shoes.take(Change("u", 2, raw='{"op": "u", "after": {"id": 2, "size": 1, "note": null}}'))


def _die(*_: object) -> None:
    raise KeyboardInterrupt
