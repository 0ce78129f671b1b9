"""Estimates find the commune in addresses as people type them, and never guess."""

import pytest

from lakehouse.distance import addresses, gazetteer
from lakehouse.distance.estimate import Estimate
from lakehouse.distance.gazetteer import Gazetteer, Place
from lakehouse.distance.prefectures import PREFECTURES
from lakehouse.distance.providers import DistanceRequest, DistanceResult

LATTES = "1362 Av. des Platanes, 34970 Lattes"


def distance_to_lattes(address: str) -> DistanceResult:
    return Estimate().distance(DistanceRequest(address, LATTES, "bicycling"))


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
    result = distance_to_lattes(address)
    assert result.status == "ok"
    assert result.distance_m == pytest.approx(6_828, abs=500)


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
    assert distance_to_lattes(address).distance_m == pytest.approx(kilometres * 1000, rel=0.03)


def test_home_in_the_commune_of_work_has_distance_zero() -> None:
    assert distance_to_lattes(LATTES) == DistanceResult("ok", distance_m=0)


@pytest.mark.parametrize(
    "address",
    [
        "Mas de l'Oubli, 34700 Trou-Perdu",
        "12 rue de Montpellier",
        "2 rue Saint-Martin",
        "7 rue Basse, Saint-Martin",  # several, and nothing distinguishes them
        "8 rue Basse, 30000 Saint-Martin",  # none in the Gard has that name
        "97110 Pointe-à-Pitre",
        "34970",
        "?",
    ],
)
def test_unknown_or_ambiguous_commune_is_not_found(address: str) -> None:
    assert distance_to_lattes(address).status == "not_found"


def test_unknown_destination_is_named_in_the_reason() -> None:
    result = Estimate().distance(DistanceRequest(LATTES, "Nulle-Part", "walking"))
    assert result.status == "not_found"
    assert "destination" in (result.reason or "")


def test_a_reason_holds_no_address() -> None:
    assert "Oubli" not in str(distance_to_lattes("Mas de l'Oubli, 34700 Trou-Perdu"))


NIMES = Place("Nîmes", 43.8367, 4.3601, "76", 148_000)
NEAR, FAR = Place("Sauve", 43.94, 3.95, "76", 2_000), Place("Sauve", 47.9, 1.9, "24", 900)


def test_the_postcode_tells_homonyms_apart() -> None:
    places = Gazetteer([NIMES, FAR, NEAR])
    assert places.find(addresses.parse("30610 Sauve")) == NEAR


def test_homonym_of_another_department_is_not_matched() -> None:
    assert Gazetteer([NIMES, FAR]).find(addresses.parse("30610 Sauve")) is None


def test_homonym_without_a_postcode_is_matched_only_if_unique_near_work() -> None:
    places = Gazetteer([NIMES, FAR, NEAR])
    assert places.find(addresses.parse("Sauve"), near=NIMES) == NEAR
    assert places.find(addresses.parse("Sauve")) is None
    assert Gazetteer([NEAR, NEAR]).find(addresses.parse("Sauve"), near=NIMES) is None


def test_every_department_has_a_prefecture_that_is_known() -> None:
    named = gazetteer.load_france()
    assert [d for d, p in PREFECTURES.items() if named.find(addresses.parse(f"{d}000 {p}")) is None] == []
