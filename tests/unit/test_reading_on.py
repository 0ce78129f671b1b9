"""Law 9: Bronze goes on where it ends, and only where nothing is missing in between."""

from pathlib import Path

import pytest
from arro3.core import Array, DataType, Table
from deltalake import write_deltalake

from lakehouse.cdc.catalog import Catalog
from lakehouse.cdc.source import Claim, Source, Topic, accept, check_age, check_order, claim, make_bronze
from lakehouse.errors import WrongSource
from spark.messages import SHOES

PRODUCED_AT = 1_780_000_000_000  # ms


def source(topic_id: str = "first", produced_at: int | None = PRODUCED_AT, **begins: int) -> Source:
    """Return a source whose one topic begins there; Bronze's last message in it is of this moment, or not there."""
    first = {int(name[1:]): at for name, at in begins.items()}
    return Source(
        "42", {SHOES.topic: Topic(SHOES.topic, topic_id, first, lambda last: dict.fromkeys(last, produced_at))}
    )


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    """Give a lake that has read partition 0 up to offset 4, and Postgres's log up to 900."""
    catalog = Catalog(str(tmp_path))
    make_bronze(catalog, source(p0=0), SHOES)
    zeros = Array([0] * 5, DataType.int32())
    long = DataType.int64()
    places = {"offset": Array([0, 1, 2, 3, 4], long), "lsn": Array([500, 600, 700, 800, 900], long)}
    produced = Array([PRODUCED_AT * 1000] * 5, long).cast(DataType.timestamp("us", tz="UTC"))
    rows = Table.from_pydict({"incarnation": zeros, "partition": zeros, **places, "kafka_timestamp": produced})
    write_deltalake(catalog.path("bronze", "shoes"), rows, mode="append", schema_mode="merge")
    return catalog


def test_one_past_what_it_holds_and_a_new_partition_from_its_beginning(catalog: Catalog) -> None:
    assert claim(catalog, source(p0=0, p1=0), SHOES) == Claim(0, {0: 5, 1: 0})


def test_what_was_read_may_be_gone_from_the_topic(catalog: Catalog) -> None:
    assert claim(catalog, source(p0=5), SHOES) == Claim(0, {0: 5})


def test_a_gap_is_refused_with_its_remedy_until_it_is_accepted(catalog: Catalog) -> None:
    gone = source(p0=8)
    with pytest.raises(WrongSource, match=r"no longer has the offsets 5 to 7.*resnapshot.py"):
        claim(catalog, gone, SHOES)
    accept(catalog, gone, SHOES, lambda: 900)
    assert claim(catalog, gone, SHOES) == Claim(0, {0: 8})
    with pytest.raises(WrongSource, match="offsets 8 to 8"):
        claim(catalog, source(p0=9), SHOES)


def test_a_topic_made_anew_is_refused_until_it_is_accepted_as_another_one(catalog: Catalog) -> None:
    anew = source("second", p0=0)
    with pytest.raises(WrongSource, match=r"deleted and made again.*resnapshot.py"):
        claim(catalog, anew, SHOES)
    for _ in range(2):
        accept(catalog, anew, SHOES, lambda: 900)
    assert claim(catalog, anew, SHOES) == Claim(1, {0: 0})


@pytest.mark.parametrize(
    "produced_at",
    [pytest.param(None, id="shorter"), pytest.param(PRODUCED_AT + 1, id="reused")],
)
def test_a_topic_that_lost_the_end_of_its_log_is_refused_until_it_is_accepted_and_read_from_its_beginning(
    catalog: Catalog, produced_at: int | None
) -> None:
    truncated = source(produced_at=produced_at, p0=2)
    with pytest.raises(WrongSource, match=r"partition 0 does not have the message at offset 4.*resnapshot.py"):
        claim(catalog, truncated, SHOES)
    with pytest.raises(WrongSource, match="make reset"):
        check_order(catalog, truncated, lambda: 899, SHOES)
    for _ in range(2):
        accept(catalog, truncated, SHOES, lambda: 900)
    assert claim(catalog, truncated, SHOES) == Claim(1, {0: 2})


def test_a_last_message_that_the_topic_has_forgotten_is_not_looked_for(catalog: Catalog) -> None:
    assert claim(catalog, source(produced_at=None, p0=5), SHOES) == Claim(0, {0: 5})


def test_a_postgres_whose_log_ends_before_what_was_read_is_refused_until_it_is_accepted(catalog: Catalog) -> None:
    def older() -> int:
        return 899

    with pytest.raises(WrongSource, match=r"up to 900; it ends at 899.*resnapshot.py"):
        check_age(catalog, older, SHOES)
    accept(catalog, source(p0=0), SHOES, older)
    check_age(catalog, older, SHOES)


def test_an_older_postgres_and_another_topic_at_once_cannot_be_read_anew(catalog: Catalog) -> None:
    with pytest.raises(WrongSource, match="make reset"):
        check_order(catalog, source("second", p0=0), lambda: 899, SHOES)
    check_order(catalog, source("second", p0=0), lambda: 900, SHOES)
    check_order(catalog, source(p0=0), lambda: 899, SHOES)


def test_a_postgres_that_went_on_is_the_one(catalog: Catalog) -> None:
    check_age(catalog, lambda: 900, SHOES)


def test_nothing_is_noted_where_nothing_is_wrong(catalog: Catalog) -> None:
    before = dict(catalog.properties("bronze", "shoes"))
    accept(catalog, source(p0=0), SHOES, lambda: 900)
    assert catalog.properties("bronze", "shoes") == before


def test_another_postgres_is_refused(catalog: Catalog) -> None:
    with pytest.raises(WrongSource, match="make reset"):
        make_bronze(catalog, Source("43", source(p0=0).topics), SHOES)
