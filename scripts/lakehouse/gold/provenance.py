"""What a figure was computed from, as its table's own commit keeps it: the two cannot fall out of step (law 7)."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Provenance:
    """Silver's tables by their versions, the last day that counts (ISO; or empty), and all else that there is."""

    input_versions: Mapping[str, int]
    day: str
    parameters: str
    code_version: str

    def to_json(self) -> str:
        """Give it as a commit keeps it: equal texts stand for equal rows."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str | None) -> "Provenance | None":
        """Give what a commit kept; None where it kept nothing, or what another release wrote."""
        try:
            return cls(**json.loads(text or ""))
        except (ValueError, TypeError):
            return None

    def can_be_incremental_from(self, previous: "Provenance") -> bool:
        """Say whether only Silver's rows and the day have moved on since that was made."""
        return (self.parameters, self.code_version) == (
            previous.parameters,
            previous.code_version,
        ) and self.day >= previous.day
