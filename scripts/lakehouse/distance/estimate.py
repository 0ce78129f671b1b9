"""Estimated distances, without network or key: from one commune's centroid to the other's, times 1.3."""

from collections.abc import Callable

from lakehouse.distance import addresses, gazetteer
from lakehouse.distance.gazetteer import Gazetteer
from lakehouse.distance.providers import Answer, Question

# Roads are longer than the crow's flight: 1.3 is the usual detour factor of French commutes.
DETOUR = 1.3


class Estimate:
    """Answers from the gazetteer; the same metres for every travel mode, no duration."""

    name = "estimate"
    at_once = 10_000

    def __init__(self, places: Callable[[], Gazetteer] = gazetteer.france) -> None:
        self._places = places

    def distance(self, question: Question) -> Answer:
        places = self._places()
        work = places.find(addresses.read(question.destination))
        if work is None:
            return Answer("not_found", reason="the destination's commune is not in the gazetteer")
        home = places.find(addresses.read(question.origin), near=work)
        if home is None:
            return Answer(
                "not_found", reason="the home's commune is not in the gazetteer, or not the only one so named"
            )
        return Answer("ok", distance_m=round(gazetteer.metres(home, work) * DETOUR))
