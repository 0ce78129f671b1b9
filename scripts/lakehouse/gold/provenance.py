"""Provenance of a Gold table, stored in the Delta commit that writes it.

One commit holds both, so that rows and provenance cannot contradict each other (law 7).
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Provenance:
    """Everything that a Gold table is a function of.

    `input_versions` are Delta versions of Silver tables, by name. `day` is the last day that counts, in ISO format,
    or empty. `parameters` is JSON.
    """

    input_versions: Mapping[str, int]
    day: str
    parameters: str
    code_version: str

    def to_json(self) -> str:
        """Return the JSON text for the commit's userMetadata; equal texts mean equal rows."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str | None) -> "Provenance | None":
        """Return the provenance that a commit stored; None where it is missing or another release's format."""
        try:
            return cls(**json.loads(text or ""))
        except (ValueError, TypeError):
            return None

    def can_be_incremental_from(self, previous: "Provenance") -> bool:
        """Return whether only Silver's versions changed and the day, if at all, advanced since `previous`."""
        return (self.parameters, self.code_version) == (
            previous.parameters,
            previous.code_version,
        ) and self.day >= previous.day
