"""Estimates find the commune in addresses as people type them, and never guess."""

import pytest

from lakehouse.distance import addresses, gazetteer
from lakehouse.distance.estimate import Estimate
from lakehouse.distance.gazetteer import Gazetteer, Place
from lakehouse.distance.prefectures import PREFECTURES
from lakehouse.distance.providers import Answer, Question

LATTES = "1362 Av. des Platanes, 34970 Lattes"


def to_lattes(address: str) -> Answer:
    return Estimate().distance(Question(address, LATTES, "bicycling"))


@pytest.mark.parametrize(
    "address",
    [
        "12 rue de la Paix, 34000 Montpellier",
        "12 rue de la Paix, 34000 MONTPELLIER CEDEX 4",
        "12 rue de la Paix 34000 montpellier France",
        "12 rue de la Paix, 34000, Montpellier, France",
        "12 rue de la Paix, Montpellier (34000)",
        "12 rue de la Paix, Montpellier",
        "12 rue de la Paix Montpellier",
        "  montpellier ",
    ],
)
def test_a_commune_is_found_however_it_is_typed(address: str) -> None:
    answer = to_lattes(address)
    assert answer.status == "ok"
    assert answer.distance_m == pytest.approx(6_828, abs=500)


@pytest.mark.parametrize(
    ("address", "kilometres"),
    [
        ("3 impasse du Mas, 34980 St-Gély-du-Fesc", 20.7),
        ("3 impasse du Mas, 34980 SAINT GELY DU FESC", 20.7),
        ("4 place de la Liberté Le Crès", 12.1),
        ("5 rue de l’Église Saint-Aunès", 12.5),
        ("5 rue Crémieux, 75012 Paris 12e", 780),
        ("1 quai Sud, 20200 Bastia", 598),
        ("9 rue Neuve, 95700 Roissy-en-France", 805),
    ],
)
def test_names_are_compared_without_accents_hyphens_and_abbreviations(address: str, kilometres: float) -> None:
    assert to_lattes(address).distance_m == pytest.approx(kilometres * 1000, rel=0.03)


def test_a_home_in_the_commune_of_work_is_at_no_distance() -> None:
    assert to_lattes(LATTES) == Answer("ok", distance_m=0)


@pytest.mark.parametrize(
    "address",
    [
        "Mas de l'Oubli, 34700 Trou-Perdu",
        "12 rue de Montpellier",
        "2 rue Saint-Martin",
        "7 rue Basse, Saint-Martin",  # several, none told from the others
        "8 rue Basse, 30000 Saint-Martin",  # Gard has none of that name
        "97110 Pointe-à-Pitre",
        "34970",
        "?",
    ],
)
def test_an_unknown_commune_is_not_found_rather_than_near_or_far(address: str) -> None:
    assert to_lattes(address).status == "not_found"


def test_an_unknown_destination_is_said_to_be_it() -> None:
    answer = Estimate().distance(Question(LATTES, "Nulle-Part", "walking"))
    assert answer.status == "not_found"
    assert "destination" in (answer.reason or "")


def test_a_reason_holds_no_address() -> None:
    assert "Oubli" not in str(to_lattes("Mas de l'Oubli, 34700 Trou-Perdu"))


NIMES = Place("Nîmes", 43.8367, 4.3601, "76", 148_000)
NEAR, FAR = Place("Sauve", 43.94, 3.95, "76", 2_000), Place("Sauve", 47.9, 1.9, "24", 900)


def test_the_postcode_tells_homonyms_apart() -> None:
    places = Gazetteer([NIMES, FAR, NEAR])
    assert places.find(addresses.read("30610 Sauve")) == NEAR


def test_a_homonym_of_another_department_is_not_meant() -> None:
    assert Gazetteer([NIMES, FAR]).find(addresses.read("30610 Sauve")) is None


def test_without_a_postcode_the_only_homonym_within_reach_of_work_is_meant() -> None:
    places = Gazetteer([NIMES, FAR, NEAR])
    assert places.find(addresses.read("Sauve"), near=NIMES) == NEAR
    assert places.find(addresses.read("Sauve")) is None
    assert Gazetteer([NEAR, NEAR]).find(addresses.read("Sauve"), near=NIMES) is None


def test_every_department_has_a_prefecture_that_is_known() -> None:
    named = gazetteer.france()
    assert [d for d, p in PREFECTURES.items() if named.find(addresses.read(f"{d}000 {p}")) is None] == []
