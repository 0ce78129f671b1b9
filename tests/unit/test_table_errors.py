"""An unexpected error is named by its kind and place: its text may quote a value of a person."""

import pytest

from lakehouse.cdc.lake import Lake
from lakehouse.cdc.merge.table_errors import describe_unexpected, result_or_table_error
from lakehouse.cdc.offsets import has_reached
from lakehouse.cdc.table_store import TableStore
from lakehouse.errors import LakehouseError, LockLost, NotReady, SchemaMismatch, SourceMismatch
from spark.messages import SHOES


class Secret:
    """An offset whose comparison fails with an error that quotes a value."""

    def __le__(self, other: object) -> bool:
        raise ValueError("30000.00 of Juliette")


def fail_in_our_code() -> bool:
    return has_reached({}, {None: Secret()})  # type: ignore[dict-item]


def fail(error: Exception) -> None:
    raise error


@pytest.fixture
def lake() -> Lake:
    return Lake(None, TableStore("/nowhere"))  # type: ignore[arg-type]


def test_unexpected_error_is_described_without_its_text(lake: Lake) -> None:
    error = result_or_table_error(lake, SHOES, fail_in_our_code)
    assert isinstance(error, LakehouseError)
    assert str(error).startswith("shoes could not be merged: ValueError at lakehouse/cdc/offsets.py:")
    assert "Juliette" not in str(error)
    assert describe_unexpected(ValueError("30000.00 of Juliette")) == "ValueError"


def test_error_of_a_table_is_returned_and_one_of_the_whole_system_raised(lake: Lake) -> None:
    mismatch = SchemaMismatch("shoes: gone")
    assert result_or_table_error(lake, SHOES, lambda: fail(mismatch)) is mismatch
    for error in (LockLost("lost"), NotReady("away"), SourceMismatch("another")):
        with pytest.raises(type(error)):
            result_or_table_error(lake, SHOES, lambda error=error: fail(error))  # type: ignore[misc]
    assert result_or_table_error(lake, SHOES, lambda: 7) == 7
