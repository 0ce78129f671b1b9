"""How many values of another type are single wrong rows, and how many a changed table."""

import pytest

from lakehouse.cdc.merge.validation import has_too_many_mismatches


@pytest.mark.parametrize(
    ("mismatches", "changes", "stops"),
    [
        (0, 0, False),
        (1, 1, False),
        (19, 19, False),
        (20, 20, True),
        (20, 199, True),
        (20, 200, False),
        (21, 200, True),
        (500_000, 5_000_000, False),
        (500_001, 5_000_000, True),
    ],
)
def test_table_stops_over_a_tenth_of_a_batch_and_from_20_rows_on(mismatches: int, changes: int, stops: bool) -> None:
    assert has_too_many_mismatches(mismatches, changes) == stops
