"""What a journal is read for: the totals before and after, and which of them moved."""

from decimal import Decimal

from lakehouse.gold.totals import Totals, moved

BEFORE: Totals = {"nb_salaries": 161, "cout_primes": Decimal("1000.00"), "jours_bien_etre": 0, "nb_participants": 40}


def test_a_figure_that_moved_by_more_than_its_share_is_named_with_the_share() -> None:
    after: Totals = {**BEFORE, "cout_primes": Decimal("1100.01"), "nb_participants": 35}
    assert moved(BEFORE, after, over=0.1) == {"cout_primes": 0.10001, "nb_participants": -0.125}
    assert moved(BEFORE, {**BEFORE, "cout_primes": Decimal("1100.00")}, over=0.1) == {}


def test_what_was_nothing_moved_by_all_it_is() -> None:
    assert moved(BEFORE, {**BEFORE, "jours_bien_etre": 5}, over=0.1) == {"jours_bien_etre": 1.0}


def test_the_first_figures_moved_from_nowhere() -> None:
    nothing: Totals = dict.fromkeys(BEFORE, 0)
    assert moved(nothing, BEFORE, over=0.1) == {}
    assert moved({}, BEFORE, over=0.1) == {}
    assert moved(BEFORE, {}, over=0.1) == {}
