"""Intents of commits, noted before each commit where a writer of files cannot forge them, and what was checked since.

A commit carries a random token. Whoever copies the token from a table's log has a token that is spent.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class CommitIntent:
    """The intent of one commit: its token, its table as layer/name, and the table's last version before it."""

    lake_id: str  # empty for the commit that creates the table from which the lake has its id
    table: str
    after_version: int  # -1 where the table does not exist yet
    token: str


@dataclass(frozen=True)
class NotedIntent:
    """A noted intent whose token is not spent. A vacuum commits twice: `is_started` after the first commit."""

    after_version: int
    is_started: bool = False


@dataclass(frozen=True)
class CheckedVersion:
    """The version up to which a table's commits were checked, and the table's id."""

    table_id: str
    version: int


@dataclass(frozen=True)
class ForeignCommit:
    """Versions of a table, as layer/name, for which no intent was noted; `description` is what their log says.

    `is_replacement` is whether the table itself is another one, or an older one, than the table that was checked.
    """

    table: str
    table_id: str
    first_version: int
    last_version: int
    description: str
    is_replacement: bool = False

    @property
    def layer(self) -> str:
        return self.table.partition("/")[0]

    @property
    def name(self) -> str:
        return self.table.partition("/")[2]

    def __str__(self) -> str:
        if self.is_replacement:
            return f"{self.table} {self.description}"
        first, last = self.first_version, self.last_version
        versions = f"version {first}" if first == last else f"versions {first} to {last}"
        return f"{self.table} has {versions}: {self.description}"


@dataclass(frozen=True)
class CheckResult:
    """The outcome of a check: the version reached, the tokens that are spent, and the foreign commits.

    `started` are the tokens of vacuums that have not ended.
    """

    checked: CheckedVersion
    spent: Collection[str] = ()
    started: Collection[str] = ()
    foreign: Sequence[ForeignCommit] = ()


class TableCheck(Protocol):
    """The check of one table, in one transaction: `last` is where the check before it ended, None where none was."""

    last: CheckedVersion | None

    def intents(self, tokens: Collection[str]) -> Mapping[str, NotedIntent]:
        """Return the noted intents of these tokens that are not spent."""

    def record(self, result: CheckResult) -> None:
        """Store the outcome: spend the tokens, and open the foreign commits until they are resolved."""


class CommitLedger(Protocol):
    """The place of intents and of checks, out of reach of whoever writes the lake's files."""

    def note(self, intent: CommitIntent) -> None:
        """Store an intent durably, before its commit. Raises where that fails: the commit must not happen then."""

    def checked_versions(self, lake_id: str) -> Mapping[str, CheckedVersion]:
        """Return where the last check of each table of the lake ended, by layer/name."""

    def has_other_lake(self, lake_id: str) -> bool:
        """Return whether a table of any other lake was checked."""

    def check(self, lake_id: str, table: str) -> AbstractContextManager[TableCheck]:
        """Begin the check of a table; a second check of the same table waits for its end."""

    def foreign_commits(self, lake_id: str, *, resolved: bool = False) -> list[ForeignCommit]:
        """Return the lake's foreign commits that are not resolved; with `resolved`, all that were ever found."""

    def forget_intents(self, lake_id: str) -> None:
        """Forget intents of before: those that a restored Postgres has again were spent already."""

    def resolve(self, lake_id: str, table: str, resolution: str) -> None:
        """Resolve the foreign commits of a table."""
