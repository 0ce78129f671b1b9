"""The totals before and after a run, and which of them changed beyond a threshold."""

from decimal import Decimal

from lakehouse.gold.totals import Totals, changed_beyond

BEFORE: Totals = {"nb_salaries": 161, "cout_primes": Decimal("1000.00"), "jours_bien_etre": 0, "nb_participants": 40}


def test_total_changed_beyond_the_threshold_is_given_with_its_share() -> None:
    after: Totals = {**BEFORE, "cout_primes": Decimal("1100.01"), "nb_participants": 35}
    assert changed_beyond(BEFORE, after, threshold=0.1) == {"cout_primes": 0.10001, "nb_participants": -0.125}
    assert changed_beyond(BEFORE, {**BEFORE, "cout_primes": Decimal("1100.00")}, threshold=0.1) == {}


def test_total_that_was_zero_changed_by_100_percent() -> None:
    assert changed_beyond(BEFORE, {**BEFORE, "jours_bien_etre": 5}, threshold=0.1) == {"jours_bien_etre": 1.0}


def test_first_totals_are_no_anomalies() -> None:
    nothing: Totals = dict.fromkeys(BEFORE, 0)
    assert changed_beyond(nothing, BEFORE, threshold=0.1) == {}
    assert changed_beyond({}, BEFORE, threshold=0.1) == {}
    assert changed_beyond(BEFORE, {}, threshold=0.1) == {}


def test_total_of_a_new_figure_is_no_anomaly() -> None:
    after: Totals = {**BEFORE, "nb_formations": 12}
    assert changed_beyond(BEFORE, after, threshold=0.1) == {}
