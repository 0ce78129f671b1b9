"""No scenario that the database `direction` shows differs from another of its totals by fewer than five people."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from lakehouse.gold.views import load_views
from support.views_in_process import Row, Tables, run_view

VIEWS = {view.name: view for view in load_views("/lake")}
TODAY = date(2026, 11, 30)
TOO_FEW = range(1, 5)
People = Sequence[bool]  # whether each is paid, or granted days


def tables(now: People, lines: Mapping[str, tuple[People, People]], days: bool = False) -> Tables:
    """Return Gold's tables: who is paid (or granted days) now, and in each scenario really and by its rules."""

    def amount(paid: bool, number: int) -> int:
        return 2**number if paid else 0

    return {
        "prime_sportive": [
            {
                "employee_id": number, "year": 2026, "business_unit": f"BU {number % 3}", "moyen_deplacement": "Vélo",
                "eligible": paid and not days, "montant_prime": Decimal(amount(paid and not days, number)),
            }
            for number, paid in enumerate(now)
        ],
        "wellbeing": [
            {
                "employee_id": number, "year": 2026, "eligible": paid and days,
                "jours_bien_etre": amount(paid and days, number),
            }
            for number, paid in enumerate(now)
        ],
        "scenarios": [
            {
                "scenario": name, "as_of": TODAY, "regles": "{}", "employee_id": number,
                "eligible": paid and not days, "eligible_reel": was_paid and not days,
                "montant_prime": Decimal(amount(paid and not days, number)),
                "montant_prime_reel": Decimal(amount(was_paid and not days, number)),
                "jours_bien_etre": amount(paid and days, number),
                "jours_bien_etre_reel": amount(was_paid and days, number),
            }
            for name, (real, by_rules) in lines.items()
            for number, (was_paid, paid) in enumerate(zip(real, by_rules, strict=True))
        ],
    }  # fmt: skip


def members(total: Decimal | int | None) -> set[int]:
    return {number for number in range(60) if int(total or 0) >> number & 1}


def shown(given: Tables, column: str) -> dict[str, list[set[int]]]:
    """Return who is in the two totals of each scenario that shows them."""
    rows = run_view(VIEWS["direction.v_scenarios"], given)
    return {
        row["scenario"]: [members(row[f"{column}_reel"]), members(row[column])]
        for row in rows
        if row[column] is not None
    }


def check(now: People, lines: Mapping[str, tuple[People, People]], days: bool) -> None:
    given = tables(now, lines, days)
    column = "jours_bien_etre" if days else "cout_primes"
    blocks = [
        members(row[column]) for row in run_view(VIEWS["direction.v_kpi"], given) if row["business_unit"] != "Total"
    ]
    totals = [total for pair in shown(given, column).values() for total in pair]
    for one in totals:
        assert len(one) not in TOO_FEW
        for other in [*totals, set().union(*blocks)]:
            assert len(one ^ other) not in TOO_FEW
        # The nearest sum of blocks: whichever is nearer, with each block or without it. Nobody else is in a block.
        outside = len(one.difference(*blocks))
        assert outside + sum(min(len(one & block), len(block - one)) for block in blocks) not in TOO_FEW


PEOPLE = st.lists(st.booleans(), min_size=24, max_size=24)
CHANGES = st.lists(st.integers(0, 23), max_size=8)


@settings(max_examples=25, deadline=None)
@given(PEOPLE, st.lists(st.tuples(CHANGES, CHANGES), min_size=1, max_size=3), st.booleans())
def test_totals_of_random_scenarios_differ_by_nobody_or_five(
    now: list[bool], changes: list[tuple[list[int], list[int]]], days: bool
) -> None:
    def change(people: People, numbers: Sequence[int]) -> People:
        return [paid != (number in numbers) for number, paid in enumerate(people)]

    lines = {f"s{place}": (change(now, real), change(now, rules)) for place, (real, rules) in enumerate(changes)}
    check(now, lines, days)


def test_scenario_that_pays_one_more_is_hidden_and_one_that_pays_six_more_is_shown() -> None:
    now = [number < 12 for number in range(24)]
    one_more, six_more = ([number < 12 + more for number in range(24)] for more in (1, 6))
    given = tables(now, {"z_one": (now, one_more), "b_same": (now, now), "c_six": (now, six_more)})
    rows: dict[str, Row] = {row["scenario"]: row for row in run_view(VIEWS["direction.v_scenarios"], given)}
    assert {name: (row["nb_salaries"], row["nb_primes"], row["nb_primes_reel"]) for name, row in rows.items()} == {
        "z_one": (24, None, None),
        "b_same": (24, 12, 12),
        "c_six": (24, 18, 12),
    }
    assert rows["z_one"]["cout_primes"] is rows["z_one"]["ecart_cout"] is None


def test_scenarios_computed_before_somebody_left_are_hidden() -> None:
    before = [number < 12 for number in range(24)]
    now = [number < 11 for number in range(24)]
    given = tables(now, {"s": (before, before)})
    assert shown(given, "cout_primes") == {}
    assert shown(tables(before, {"s": (before, before)}), "cout_primes") == {"s": [set(range(12)), set(range(12))]}
