"""No figure of the database `direction` is about fewer than five people, and neither is what subtracting leaves."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lakehouse.gold.views import load_views
from lakehouse.settings import ROOT
from support.oracle import read_employees
from support.views_in_process import Row, Tables, run_view

VIEWS = {
    view.name.removeprefix("direction."): view for view in load_views("/lake") if view.name.startswith("direction.")
}
TOO_FEW = range(1, 5)
YEAR = 2026
MONTHS_OF_YEAR = [date(YEAR, month, 1) for month in range(1, 13)]
BATCH = 50  # people who get an amount of their own in one run: their sum is exact in 64 bits


@dataclass(frozen=True)
class Person:
    """An employee: what is known of them and whether they are paid, granted days, and take part."""

    unit: str | None
    mode: str | None
    paid: bool
    granted: bool = False
    takes_part: bool = False


def prime_rows(people: Sequence[Person], amounts: dict[int, int]) -> list[Row]:
    return [
        {
            "employee_id": number, "year": YEAR, "business_unit": person.unit, "moyen_deplacement": person.mode,
            "eligible": person.paid, "montant_prime": Decimal(amounts.get(number, 0) * person.paid),
        }
        for number, person in enumerate(people)
    ]  # fmt: skip


def wellbeing_rows(people: Sequence[Person], amounts: dict[int, int]) -> list[Row]:
    return [
        {
            "employee_id": number, "year": YEAR, "eligible": person.granted,
            "jours_bien_etre": (1 + amounts.get(number, 0)) * person.granted,
            "nb_activities_year": int(person.takes_part),
        }
        for number, person in enumerate(people)
    ]  # fmt: skip


def batches(count: int) -> Iterable[dict[int, int]]:
    """Yield amounts: in each run another batch has powers of two."""
    for start in range(0, count, BATCH):
        yield {number: 2 ** (number - start) for number in range(start, min(count, start + BATCH))}


def members(value: int | Decimal | None, batch: dict[int, int]) -> set[int]:
    return {number for number, amount in batch.items() if int(value or 0) & amount}


def paid_sets(
    people: Sequence[Person], view: str, key: Sequence[str], tables: Tables
) -> dict[tuple[Any, ...], set[int]]:
    """Return whose primes are in each row's cost, by running the view with amounts that name their owners."""
    sets: dict[tuple[Any, ...], set[int]] = defaultdict(set)
    for batch in batches(len(people)):
        given_tables = {"prime_sportive": prime_rows(people, batch), "wellbeing": wellbeing_rows(people, {}), **tables}
        for row in run_view(VIEWS[view], given_tables):
            if row["cout_primes"] is not None:
                sets[tuple(row[name] for name in key)] |= members(row["cout_primes"], batch)
    return dict(sets)


def check_pairs(answers: Iterable[set[int]]) -> None:
    """Fail where two answers are of sets of people that differ by one to four."""
    sets = [frozenset(answer) for answer in answers]
    for one in sets:
        assert len(one) not in TOO_FEW
        for other in sets:
            assert len(one ^ other) not in TOO_FEW, (sorted(one), sorted(other))


def check_company(people: Sequence[Person]) -> None:
    tables = {"prime_sportive": prime_rows(people, {}), "wellbeing": wellbeing_rows(people, {})}
    kpi, cost = run_view(VIEWS["v_kpi"], tables), run_view(VIEWS["v_cout_primes"], tables)
    counts = ("nb_salaries", "nb_primes", "nb_bien_etre", "nb_participants")
    for row in (*kpi, *cost):
        assert row["nb_salaries"] >= 5
        assert not {row[name] for name in counts if name in row} & {*TOO_FEW}, row
    if len(people) < 5:
        assert not kpi
        return
    by_unit = {row["business_unit"]: row for row in kpi}
    total = by_unit.pop("Total")
    assert total["nb_salaries"] == len(people)
    for name in counts:
        # What is shown by unit adds up: nothing is left that a subtraction could find.
        shown = [row[name] for row in by_unit.values()]
        assert None in shown or sum(shown) == total[name]
        assert len({value is None for value in shown}) == 1
    for name in ("nb_salaries", "nb_primes"):
        for unit, row in by_unit.items():
            cells = [cell[name] for cell in cost if cell["business_unit"] == unit]
            assert cells == [None] * len(cells) if row[name] is None else sum(cells) == row[name]
    blocks = paid_sets(people, "v_cout_primes", ("business_unit", "moyen_deplacement"), {})
    check_pairs([*blocks.values(), *paid_sets(people, "v_kpi", ("business_unit",), {}).values()])
    if total["nb_primes"] is not None:
        assert set().union(*blocks.values()) == {number for number, person in enumerate(people) if person.paid}
        assert sum(len(block) for block in blocks.values()) == total["nb_primes"]


PEOPLE = st.lists(
    st.builds(
        Person,
        unit=st.sampled_from(["A", "B", "C", "D", "Autres", None]),
        mode=st.sampled_from(["Marche", "Vélo", "Voiture", None]),
        paid=st.booleans(),
        granted=st.integers(0, 9).map(lambda n: n == 0),
        takes_part=st.integers(0, 3).map(lambda n: n == 0),
    ),
    max_size=60,
)


@settings(max_examples=60, deadline=None)
@given(PEOPLE)
def test_cost_of_random_companies_is_of_blocks_of_five_or_more(people: list[Person]) -> None:
    check_company(people)


def test_cost_of_the_sample_company_is_of_blocks_of_five_or_more() -> None:
    active = {"walking", "bicycling"}
    check_company(
        [
            Person(
                employee.business_unit, employee.travel_mode, employee.travel_mode in active and employee.id % 4 != 0
            )
            for employee in read_employees(ROOT / "data" / "sample")
        ]
    )
