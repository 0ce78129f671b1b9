"""What a figure was computed from, as its table's own commit keeps it: the two cannot fall out of step (law 7)."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class MadeOf:
    """Silver's tables by their versions, the last day that counts (ISO; or empty), and all else that there is."""

    silver: Mapping[str, int]
    day: str
    given: str
    code: str

    def text(self) -> str:
        """Give it as a commit keeps it: equal texts stand for equal rows."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def read(cls, text: str | None) -> "MadeOf | None":
        """Give what a commit kept; None where it kept nothing, or what another release wrote."""
        try:
            return cls(**json.loads(text or ""))
        except (ValueError, TypeError):
            return None

    def follows(self, made: "MadeOf") -> bool:
        """Say whether only Silver's rows and the day have moved on since that was made."""
        return (self.given, self.code) == (made.given, made.code) and self.day >= made.day


@cache
def code() -> str:
    """Give what names the text that decides a figure: one that is computed in another way is another figure."""
    package = Path(__file__).parent.parent
    files = (file for part in ("cdc", "contracts", "gold") for file in sorted((package / part).glob("*.py")))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]
