"""The interface of distance providers: request, result and error."""

from dataclasses import dataclass
from typing import Any, Literal, Protocol

Status = Literal["ok", "not_found", "failed"]
MAX_INT32 = 2**31 - 1


@dataclass(frozen=True)
class DistanceRequest:
    """A journey from home to work; `travel_mode` is walking, bicycling, driving or transit."""

    origin: str
    destination: str
    travel_mode: str


@dataclass(frozen=True)
class DistanceResult:
    """A distance in metres and a duration in seconds if `ok`, else the reason.

    `ok` and `not_found` are final; `failed` is retried.
    """

    status: Status
    distance_m: int | None = None
    duration_s: int | None = None
    reason: str | None = None


def parse_count(value: Any) -> int | None:
    """Return a number of metres or seconds that fits distance_cache's int columns; None for anything else."""
    return value if type(value) is int and 0 <= value <= MAX_INT32 else None


class ProviderUnavailable(Exception):
    """The provider serves no request at all for now: a rate limit, an outage or a rejected key."""


class Provider(Protocol):
    """A source of distances; `batch_size` is the number of results saved in one transaction."""

    @property
    def name(self) -> str: ...

    @property
    def batch_size(self) -> int: ...

    def distance(self, request: DistanceRequest) -> DistanceResult:
        """Return the result of one request. Raises ProviderUnavailable where every other request would fail too."""
        ...
