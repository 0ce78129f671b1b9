"""Distances estimated offline: the great-circle distance between two communes' centroids, times 1.3."""

from collections.abc import Callable

from lakehouse.distance import addresses, gazetteer
from lakehouse.distance.gazetteer import Gazetteer
from lakehouse.distance.providers import DistanceRequest, DistanceResult

# Roads are longer than the great circle: 1.3 is the usual detour factor of French commutes.
DETOUR_FACTOR = 1.3


class Estimate:
    """A provider that estimates from the gazetteer: the same metres for every travel mode, no duration."""

    name = "estimate"
    batch_size = 10_000

    def __init__(self, places: Callable[[], Gazetteer] = gazetteer.load_france) -> None:
        self._places = places

    def distance(self, request: DistanceRequest) -> DistanceResult:
        places = self._places()
        work = places.find(addresses.parse(request.destination))
        if work is None:
            return DistanceResult("not_found", reason="the destination's commune is not in the gazetteer")
        home = places.find(addresses.parse(request.origin), near=work)
        if home is None:
            return DistanceResult(
                "not_found", reason="the home's commune is not in the gazetteer, or not the only one so named"
            )
        return DistanceResult("ok", distance_m=round(gazetteer.haversine_m(home, work) * DETOUR_FACTOR))
