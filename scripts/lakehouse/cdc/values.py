"""Values as Debezium writes them in JSON, read as the contract's types.

Postgres knows dates that the lake does not. Infinity is carried as the calendar's ends, which compare alike; a
year outside of 1 to 9999 or a NaN has no place, and its row is refused.
"""

from collections.abc import Callable, Mapping

from pyspark.sql import Column
from pyspark.sql import functions as F

Ends = tuple[int, int]

# 0001-01-01 and the end of 9999-12-31, counted from 1970.
DAYS: Ends = (-719_162, 2_932_896)
MICROSECONDS: Ends = (-62_135_596_800_000_000, 253_402_300_799_999_999)
# -infinity and infinity as Debezium 3.6 was seen to write them; the days are what an int kept of larger numbers,
# which were not the same ones in a snapshot and in the stream.
INFINITE_DAYS = {-2_147_472_691: DAYS[0], -625_821_272: DAYS[0], -2_147_472_692: DAYS[1], -622_191_234: DAYS[1]}
INFINITE_MICROSECONDS = {-9_223_372_036_832_400_000: MICROSECONDS[0], 9_223_372_036_825_200_000: MICROSECONDS[1]}
INFINITE_INSTANTS = {"-infinity": MICROSECONDS[0], "infinity": MICROSECONDS[1]}
INSTANT = r"^[+-]?\d{4,6}-\d\d-\d\dT"
NO_NUMBERS = ("NAN", "INFINITY", "-INFINITY")


def typed(text: Column, sql_type: str) -> Column:
    """Give the value: days and microseconds since 1970, ISO 8601 with a zone, the rest as it reads.

    NULL where the text is not of this type, or beyond it.
    """
    match sql_type:
        case "date":
            return _within(text.try_cast("int"), INFINITE_DAYS, DAYS, F.date_from_unix_date)
        case "timestamp_ntz":
            return _within(text.try_cast("bigint"), INFINITE_MICROSECONDS, MICROSECONDS, _wall_clock)
        case "timestamp":
            ends = _replaced(text, INFINITE_INSTANTS)
            micros = F.coalesce(ends, F.unix_micros(text.try_cast("timestamp")))
            return F.when(micros.between(*MICROSECONDS), F.timestamp_micros(micros))
        case _ if sql_type.startswith("decimal"):
            number = text.try_cast(sql_type)
            # A cast rounds away the digits that it has no place for.
            return F.when(number == text.try_cast("decimal(38,18)"), number)
        case _:
            return text.try_cast(sql_type)


def beyond(text: Column, sql_type: str) -> Column:
    """Say of a text that is no value of the lake's type whether it is one of Postgres's."""
    match sql_type:
        case "date" | "timestamp_ntz":
            return text.try_cast("bigint").isNotNull()
        case "timestamp":
            return text.rlike(INSTANT)
        case _ if sql_type.startswith("decimal"):
            return F.upper(text).isin(*NO_NUMBERS)
        case _:
            return F.lit(False)


def _within(number: Column, infinite: Mapping[int, int], ends: Ends, made: Callable[[Column], Column]) -> Column:
    finite = F.coalesce(_replaced(number, infinite), number)
    return F.when(finite.between(*ends), made(finite))


def _replaced(given: Column, infinite: Mapping[int, int] | Mapping[str, int]) -> Column:
    return F.coalesce(*(F.when(given.eqNullSafe(written), end) for written, end in infinite.items()))


def _wall_clock(micros: Column) -> Column:
    return F.timestamp_micros(micros).cast("timestamp_ntz")
