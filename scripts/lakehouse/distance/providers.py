"""What a distance provider is asked and answers."""

from dataclasses import dataclass
from typing import Any, Literal, Protocol

Status = Literal["ok", "not_found", "failed"]
MAX_INT32 = 2**31 - 1


@dataclass(frozen=True)
class DistanceRequest:
    """How far it is from home to work, by walking, bicycling, driving or transit."""

    origin: str
    destination: str
    travel_mode: str


@dataclass(frozen=True)
class DistanceResult:
    """Metres and seconds when `ok`; else why not. `ok` and `not_found` are final, `failed` is asked again."""

    status: Status
    distance_m: int | None = None
    duration_s: int | None = None
    reason: str | None = None


def parse_count(value: Any) -> int | None:
    """Give a number of metres or seconds that distance_cache can hold; None for anything else."""
    return value if type(value) is int and 0 <= value <= MAX_INT32 else None


class ProviderUnavailable(Exception):
    """The provider answers nobody just now: too many questions, an outage, a key it refuses."""


class Provider(Protocol):
    """Who answers. `at_once` is how many answers are noted in one transaction."""

    @property
    def name(self) -> str: ...

    @property
    def batch_size(self) -> int: ...

    def distance(self, request: DistanceRequest) -> DistanceResult:
        """Answer one question; raises Unavailable when no other question would fare better."""
        ...
