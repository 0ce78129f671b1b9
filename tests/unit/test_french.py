"""Numbers and days are written in French as before Babel, to the byte: with plain spaces. Lines are enumerated."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.french import format_day, format_lines, format_number

DAYS = st.dates(date(1900, 1, 1), date(2100, 12, 31))


@pytest.mark.parametrize(
    ("number", "pattern", "written"),
    [
        (Decimal("1234567.50"), "#,##0.00 €", "1 234 567,50 €"),
        (Decimal("0.5"), "#,##0.00 €", "0,50 €"),
        (Decimal("0.125"), "#,##0.00 €", "0,12 €"),
        (Decimal("1041.300"), "#,##0.### km", "1 041,3 km"),
        (Decimal("9300.000"), "#,##0.### km", "9 300 km"),
        (Decimal("1041.0"), "0.# km", "1041 km"),
        (Decimal("10.8"), "0.# km", "10,8 km"),
        (Decimal("0.0500"), "0.## %", "5 %"),
        (Decimal("0.0525"), "0.## %", "5,25 %"),
        (Decimal("0.1000"), "0.## %", "10 %"),
        (Decimal("0.0000"), "0.## %", "0 %"),
    ],
)
def test_number_has_a_decimal_comma_and_plain_spaces(number: Decimal, pattern: str, written: str) -> None:
    assert format_number(number, pattern) == written


@given(st.decimals(0, 10**8, places=2))
def test_amount_is_written_as_python_would_with_its_separators_replaced(amount: Decimal) -> None:
    assert format_number(amount, "#,##0.00 €") == f"{amount:,.2f} €".replace(",", " ").replace(".", ",")


@given(st.integers(0, 9_999), st.integers(0, 10**8))
def test_rate_and_distance_have_no_trailing_zero(ten_thousandths: int, tenths: int) -> None:
    rate, kilometres = Decimal(ten_thousandths).scaleb(-4), Decimal(tenths).scaleb(-1)
    assert format_number(rate, "0.## %") == f"{(rate * 100).normalize():f} %".replace(".", ",")
    assert format_number(kilometres, "0.# km") == f"{kilometres} km".replace(".0 ", " ").replace(".", ",")


@given(DAYS)
def test_day_is_two_digits_two_digits_and_the_year(day: date) -> None:
    assert format_day(day) == f"{day:%d/%m/%Y}"


@pytest.mark.parametrize(
    ("lines", "written"),
    [([3], "ligne 3"), ([3, 4], "lignes 3 et 4"), ([3, 4, 9], "lignes 3, 4 et 9")],
)
def test_lines_of_a_file_are_enumerated(lines: list[int], written: str) -> None:
    assert format_lines(lines) == written


def test_only_the_first_of_many_lines_are_named() -> None:
    assert format_lines(range(1, 21)).endswith(", 19 et 20")
    assert format_lines(range(1, 24)).endswith(", 19, 20 et 3 de plus")
