"""Law 1: an offset that Bronze lacks is found by the files' statistics, whatever was compacted with what."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from arro3.core import Array, DataType, Table
from deltalake import DeltaTable, write_deltalake
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.cdc.catalog import Catalog
from lakehouse.cdc.gaps import find_gaps, merge_ranges
from lakehouse.cdc.positions import Gap, Lane, OffsetRange
from lakehouse.cdc.source import Claim, Source, Topic, accept, bronze_gaps, claim, make_bronze
from lakehouse.errors import WrongSource
from spark.messages import SHOES

FIRST, SECOND = Lane(0, 0), Lane(0, 1)


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    catalog = Catalog(str(tmp_path))
    make_bronze(catalog, topic(), SHOES)
    return catalog


def topic(begins: int = 0, topic_id: str = "first") -> Source:
    return Source("42", {SHOES.topic: Topic(SHOES.topic, topic_id, {0: begins}, lambda last: dict.fromkeys(last, 1))})


def append(catalog: Catalog, offsets: Sequence[int], lane: Lane = FIRST) -> None:
    """Commit rows at these offsets, in one file."""
    columns: dict[str, Any] = {
        "incarnation": Array([lane.incarnation] * len(offsets), DataType.int32()),
        "partition": Array([lane.partition] * len(offsets), DataType.int32()),
        "offset": Array(offsets, DataType.int64()),
    }
    write_deltalake(catalog.path("bronze", "shoes"), Table.from_pydict(columns), mode="append", schema_mode="merge")


def compact(catalog: Catalog) -> None:
    DeltaTable(catalog.path("bronze", "shoes")).optimize.compact()


def test_offsets_without_a_gap_have_none(catalog: Catalog) -> None:
    append(catalog, [0, 1, 2])
    append(catalog, [3])
    append(catalog, [0, 1], SECOND)
    assert bronze_gaps(catalog, SHOES) == []


def test_a_commit_that_is_missing_is_a_gap_between_its_neighbours(catalog: Catalog) -> None:
    append(catalog, [0, 1])
    append(catalog, [5, 6])
    append(catalog, [1], SECOND)
    assert bronze_gaps(catalog, SHOES) == [Gap(FIRST, 2, 4), Gap(SECOND, 0, 0)]


def test_compaction_does_not_hide_a_gap(catalog: Catalog) -> None:
    for offsets in ([0, 1], [5, 6], [9]):
        append(catalog, offsets)
    compact(catalog)
    assert bronze_gaps(catalog, SHOES) == [Gap(FIRST, 2, 4), Gap(FIRST, 7, 8)]
    append(catalog, [11])
    assert bronze_gaps(catalog, SHOES)[-1] == Gap(FIRST, 10, 10)


def test_files_that_were_compacted_around_another_are_no_gap(catalog: Catalog) -> None:
    append(catalog, [0, 1, 4, 5])
    append(catalog, [2, 3])
    assert bronze_gaps(catalog, SHOES) == []


def test_where_nothing_is_missing_no_offset_is_read(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    append(catalog, [0, 1, 4, 5])
    append(catalog, [2, 3])
    monkeypatch.setattr(Catalog, "offset_gaps", lambda *_: pytest.fail("the history was read"))
    assert bronze_gaps(catalog, SHOES) == []


@given(
    st.lists(st.lists(st.integers(0, 30), min_size=1, max_size=6, unique=True), max_size=6),
    st.integers(0, 10),
)
def test_gaps_of_any_files_are_the_offsets_that_no_file_has(files: list[list[int]], begin: int) -> None:
    """Files hold each offset at most once; what they share is left to the first."""
    distinct, seen = [], set[int]()
    for file in files:
        if fresh := sorted(set(file) - seen):
            distinct.append(fresh)
        seen |= set(file)

    class Statistics(Catalog):
        def offset_ranges(self, *_: str, **__: str) -> list[OffsetRange]:
            return [OffsetRange(FIRST, file[0], file[-1], len(file)) for file in distinct]

        def offset_gaps(self, _name: str, stretch: OffsetRange) -> list[tuple[int, int]]:
            held = sorted(offset for offset in seen if stretch.first <= offset <= stretch.last)
            return [(one + 1, other - 1) for one, other in pairwise(held) if other > one + 1]

    gaps = find_gaps(Statistics(""), "shoes", {FIRST: begin})
    missing = {offset for gap in gaps for offset in range(gap.first, gap.last + 1)}
    assert missing == set(range(begin, max(seen, default=-1) + 1)) - seen
    assert sum(gap.last - gap.first + 1 for gap in gaps) == len(missing)


def test_ranges_that_only_adjoin_stay_apart() -> None:
    adjoining = [OffsetRange(FIRST, 0, 4, 5), OffsetRange(FIRST, 5, 9, 5)]
    assert merge_ranges(reversed(adjoining)) == adjoining
    overlapping = [OffsetRange(FIRST, 0, 4, 3), OffsetRange(FIRST, 4, 9, 4), OffsetRange(SECOND, 3, 3, 1)]
    assert merge_ranges(overlapping) == [OffsetRange(FIRST, 0, 9, 7), OffsetRange(SECOND, 3, 3, 1)]


def test_a_gap_that_the_topic_has_is_claimed_to_be_filled(catalog: Catalog) -> None:
    append(catalog, [0, 1, 5])
    assert claim(catalog, topic(begins=2), SHOES) == Claim(0, {0: 6}, (Gap(FIRST, 2, 4),))


def test_a_gap_that_the_topic_has_no_more_is_named_with_its_remedy_until_it_is_accepted(catalog: Catalog) -> None:
    append(catalog, [0, 1, 5])
    with pytest.raises(WrongSource, match=r"lacks .*partition 0, offsets 2 to 4.*resnapshot\.py"):
        claim(catalog, topic(begins=3), SHOES)
    accept(catalog, topic(begins=3), SHOES, lambda: 0)
    assert claim(catalog, topic(begins=3), SHOES) == Claim(0, {0: 6})
    append(catalog, [8])
    with pytest.raises(WrongSource, match="offsets 6 to 7"):
        claim(catalog, topic(begins=8), SHOES)


def test_a_gap_of_a_topic_that_was_made_again_is_named_until_it_is_accepted(catalog: Catalog) -> None:
    append(catalog, [0, 2])
    accept(catalog, topic(topic_id="second"), SHOES, lambda: 0)
    append(catalog, [0, 1], Lane(1, 0))
    assert claim(catalog, topic(topic_id="second"), SHOES) == Claim(1, {0: 2})
