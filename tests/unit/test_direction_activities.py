"""No figure of activities of the database `direction` is of fewer than five people, nor is what subtracting leaves."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import combinations
from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from lakehouse.gold.views import load_views
from support.views_in_process import Row, Tables, run_view

VIEWS = {view.name: view for view in load_views("/lake")}
BATCH = 50  # efforts with a number of their own in one run: their sum is exact in 64 bits
VIEW_KEYS = {"v_activites_par_bu": ("business_unit", "mois", "sport"), "v_activites_par_mois": ("mois",)}
VIEW_KEYS["v_activites_par_sport"] = ("sport",)
TOO_FEW = range(1, 5)


class Effort(NamedTuple):
    """The activities of one person in one month and sport."""

    person: int
    month: int
    sport: str
    is_measured: bool = True


Answers = Mapping[tuple[Any, ...], set[Effort]]


def unit(person: int) -> str | None:
    return (None, "A", "B", "C")[person % 4]


def tables(efforts: Sequence[Effort], counts: Mapping[Effort, int]) -> Tables:
    """Return Gold's table of activities, with so many activities of each effort beside one."""
    groups: dict[tuple[str, str | None, date | None, str | None], set[Effort]] = defaultdict(set)
    for effort in efforts:
        month = date(2026, effort.month, 1)
        groups["bu", unit(effort.person), month, effort.sport].add(effort)
        groups["mois", None, month, None].add(effort)
        groups["sport", None, None, effort.sport].add(effort)
    people = range(max((effort.person for effort in efforts), default=0) + 5)
    return {
        "prime_sportive": [{"employee_id": number} for number in people],
        "activites": [
            {
                "niveau": level, "business_unit": of_unit, "mois": month, "sport": sport,
                "nb_activites": sum(1 + counts.get(effort, 0) for effort in members),
                "nb_participants": len({effort.person for effort in members}),
                "nb_mesurees": sum(1 + counts.get(effort, 0) for effort in members if effort.is_measured),
                "distance_km": sum(1.0 for effort in members if effort.is_measured) or None,
            }
            for (level, of_unit, month, sport), members in groups.items()
        ],
    }  # fmt: skip


def answers(efforts: Sequence[Effort], name: str) -> tuple[list[Row], Answers]:
    """Return the rows of a view, and whose efforts are in each, by running it with counts that name them."""
    view, key = VIEWS[f"direction.{name}"], VIEW_KEYS[name]
    rows = run_view(view, tables(efforts, {}))
    plain = {tuple(row[column] for column in key): row["nb_activites"] for row in rows}
    found: dict[tuple[Any, ...], set[Effort]] = {where: set() for where in plain}
    assert len(found) == len(rows)
    for start in range(0, len(efforts), BATCH):
        counts = {effort: 2**place for place, effort in enumerate(efforts[start : start + BATCH])}
        for row in run_view(view, tables(efforts, counts)):
            where = tuple(row[column] for column in key)
            found[where] |= {effort for effort in counts if (row["nb_activites"] - plain[where]) & counts[effort]}
    return rows, found


def count_people(efforts: Iterable[Effort]) -> int:
    return len({effort.person for effort in efforts})


def check(efforts: Sequence[Effort]) -> None:
    every_row, sets = {}, {}
    for name in VIEW_KEYS:
        every_row[name], sets[name] = answers(efforts, name)
    everything = [members for found in sets.values() for members in found.values()]
    for members in everything:
        assert count_people(members) >= 5
    for one, other in combinations(everything, 2):
        # Of what is in both, in one or in the other alone, each is nobody's or five people's.
        for part in (one & other, one - other, other - one):
            assert count_people(part) not in TOO_FEW
    by_unit, by_month, by_sport = (set().union(*found.values()) for found in sets.values())
    assert by_unit == by_month == by_sport  # a total that has more gives the rest away
    for name, rows in every_row.items():
        for row in rows:
            members = sets[name][tuple(row[column] for column in VIEW_KEYS[name])]
            measured = [effort for effort in members if effort.is_measured]
            assert row["nb_participants"] in {None, count_people(members)}
            if row["distance_km"] is not None:
                assert count_people(measured) >= 5
                assert row["distance_km"] == len(measured)


EFFORTS = st.lists(
    st.builds(
        Effort,
        person=st.integers(0, 25),
        month=st.integers(1, 4),
        sport=st.sampled_from(["Run", "Run", "Ride", "Yoga", "Autres"]),
    ),
    unique=True,
    max_size=120,
)


@settings(max_examples=60, deadline=None)
@given(EFFORTS, st.sampled_from([(), ("Yoga",), ("Yoga", "Ride")]))
def test_activities_of_random_companies_are_of_blocks_of_five_or_more(
    efforts: list[Effort], unmeasured: tuple[str, ...]
) -> None:
    check([effort._replace(is_measured=effort.sport not in unmeasured) for effort in efforts])


@settings(max_examples=20, deadline=None)
@given(EFFORTS, st.randoms(use_true_random=False))
def test_distances_of_activities_that_are_measured_now_and_then_are_of_five_people(
    efforts: list[Effort], rng: Any
) -> None:
    check([effort._replace(is_measured=rng.random() < 0.6) for effort in efforts])


def test_large_cells_are_shown_and_a_small_month_sport_and_unit_are_folded() -> None:
    runs = [Effort(person, month, "Run") for person in range(24) for month in (1, 2, 3)]
    others = [Effort(person, month, "Ride") for person in range(12) for month in (1, 2, 3)]
    small = [Effort(1, 4, "Run"), Effort(2, 2, "Judo")]
    rows, _ = answers([*runs, *others, *small], "v_activites_par_mois")
    shown = {row["mois"]: (row["nb_activites"], row["nb_participants"]) for row in rows}
    assert shown == {None: (37, None), date(2026, 2, 1): (37, 24), date(2026, 3, 1): (36, 24)}
    rows, _ = answers([*runs, *others, *small], "v_activites_par_sport")
    assert {row["sport"]: (row["nb_activites"], row["nb_participants"]) for row in rows} == {
        "Run": (73, 24),
        "Autres": (37, None),
    }
    rows, _ = answers([*runs, *others, *small], "v_activites_par_bu")
    assert {row["business_unit"] for row in rows if row["sport"] == "Run"} == {"A", "B", "C", "Non renseignée"}
    assert {row["business_unit"] for row in rows if row["sport"] == "Autres"} == {"Autres"}


def test_company_without_activities_has_none() -> None:
    for name in VIEW_KEYS:
        assert run_view(VIEWS[f"direction.{name}"], tables([], {})) == []
