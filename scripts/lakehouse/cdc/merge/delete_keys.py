"""Deletes whose key is not that of the deleted row, as SQL conditions.

Postgres sends the columns of a table's replica identity only. Where that is another index than the primary key,
Debezium writes zeros for the key. Such a delete would remove the wrong row, or none.
"""

from lakehouse.cdc.contract import Contract

# What Debezium writes for a value that Postgres did not send: NULL, or in a column without NULLs its type's zero.
# A default that is a constant takes the zero's place: such a column counts as a value.
ZERO_TEXTS = (
    *("", "0", "false", "{}", "[]", "1970-01-01T00:00:00Z", "00000000-0000-0000-0000-000000000000"),
    *(f"1970-01-01T00:00:00.{'0' * digits}Z" for digits in range(1, 7)),
    *(f"0.{'0' * digits}" for digits in range(1, 19)),
)


def is_unreliable(contract: Contract, column: str) -> str:
    """Return SQL for whether a delete's key column is not that of the deleted row.

    It reads `_texts` (the key), `_key_names` and `_before` (the row that Postgres sent, by column). There are three
    signs: a field that the contract's key lacks, another value in `_before`, or zero where other columns have values.
    Under the identity DEFAULT, these others are all zero or NULL. Under FULL, a real key of zero is refused in error.
    """
    zeros = ", ".join(f"'{text}'" for text in ZERO_TEXTS)
    names = ", ".join(f"'{name}'" for name in contract.key)
    key_values = ", ".join(f"_texts.`{name}`" for name in contract.key)
    has_other_fields = f"size(array_except(_key_names, array({names}))) > 0"
    differs = f"_before['{column}'] <> _texts.`{column}`"
    other_values = f"array_except(map_values(_before), array(CAST(NULL AS STRING), {key_values}, {zeros}))"
    is_zero_among_values = f"_texts.`{column}` IN ({zeros}) AND size({other_values}) > 0"
    return f"(coalesce({has_other_fields}, false) OR coalesce({differs}, false) OR ({is_zero_among_values}))"
