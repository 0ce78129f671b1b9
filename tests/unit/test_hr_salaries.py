"""A salary is read to the cent, in whatever format it is written."""

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.hr.cells import salary

CENTS = st.integers(0, 10**10 - 1).map(lambda cents: Decimal(cents) / 100)


@pytest.mark.parametrize(
    "written",
    ["52 770,00 €", "52\u202f770,00\u202f€", "52\u00a0770,00\u00a0€", "52770.0", "52770,0", "52.770,00", "52,770.00",
     "52'770.00", "52’770,00", "€ 52770", "52770 EUR", "52 770 euros", " 52770 ", 52770, 52770.0, Decimal("52770.00")],
)  # fmt: skip
def test_salary_is_parsed_from_every_number_format(written: object) -> None:
    assert salary(written) == Decimal("52770.00")


@given(CENTS, st.sampled_from([" ", "\u202f", "\u00a0", "'", "’", ""]), st.sampled_from([",", "."]))
def test_salary_with_any_thousands_separator_keeps_its_cents(amount: Decimal, group: str, point: str) -> None:
    written = f"{amount:,.2f}".replace(".", "|").replace(",", group).replace("|", point)
    assert salary(written) == amount
    assert salary(f"{written} €") == amount


@given(st.floats(0, 10**8, exclude_max=True, allow_nan=False))
def test_a_number_is_rounded_half_up_to_the_cent(amount: float) -> None:
    cents = Decimal(str(amount)).quantize(Decimal("0.01"), ROUND_HALF_UP)
    assert salary(amount) == cents


def test_salary_with_half_a_cent_is_rounded_up() -> None:
    assert salary("1000.005") == salary(1000.005) == Decimal("1000.01")
