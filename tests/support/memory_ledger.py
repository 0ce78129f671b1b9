"""A ledger of commits in this process, for tests without Postgres; it keeps the promises of the one in Postgres."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import RLock

from lakehouse.cdc.commit_intents import CheckedVersion, CheckResult, CommitIntent, ForeignCommit, NotedIntent


@dataclass(eq=False)
class MemoryLedger:
    """A ledger of any number of lakes; `noted` are all intents ever, `open_intents` those that are not spent."""

    noted: list[CommitIntent] = field(default_factory=list)
    open_intents: dict[str, tuple[CommitIntent, bool]] = field(default_factory=dict)
    checked: dict[tuple[str, str], CheckedVersion] = field(default_factory=dict)
    findings: list[tuple[str, ForeignCommit]] = field(default_factory=list)
    resolutions: dict[tuple[str, ForeignCommit], str] = field(default_factory=dict)
    _mutex: RLock = field(default_factory=RLock)

    def copy(self) -> "MemoryLedger":
        """Return a ledger of the same contents, which changes alone."""
        return MemoryLedger(
            [*self.noted], dict(self.open_intents), dict(self.checked), [*self.findings], dict(self.resolutions)
        )

    def note(self, intent: CommitIntent) -> None:
        self.noted.append(intent)
        self.open_intents[intent.token] = (intent, False)

    def checked_versions(self, lake_id: str) -> Mapping[str, CheckedVersion]:
        return {table: version for (lake, table), version in self.checked.items() if lake == lake_id}

    def has_other_lake(self, lake_id: str) -> bool:
        return any(lake != lake_id for lake, _ in self.checked)

    @contextmanager
    def check(self, lake_id: str, table: str) -> Iterator["MemoryCheck"]:
        with self._mutex:
            yield MemoryCheck(self, lake_id, table)

    def foreign_commits(self, lake_id: str, *, resolved: bool = False) -> list[ForeignCommit]:
        return [
            one for lake, one in self.findings if lake == lake_id and (resolved or (lake, one) not in self.resolutions)
        ]

    def resolve(self, lake_id: str, table: str, resolution: str) -> None:
        for one in self.foreign_commits(lake_id):
            if one.table == table:
                self.resolutions[lake_id, one] = resolution

    def forget_intents(self, lake_id: str) -> None:
        self.open_intents = {
            token: (intent, started)
            for token, (intent, started) in self.open_intents.items()
            if intent.lake_id != lake_id
        }


class MemoryCheck:
    """The check of one table."""

    def __init__(self, ledger: MemoryLedger, lake_id: str, table: str) -> None:
        self._ledger, self._lake_id, self._table = ledger, lake_id, table
        self.last = ledger.checked.get((lake_id, table))

    def intents(self, tokens: Collection[str]) -> Mapping[str, NotedIntent]:
        return {
            token: NotedIntent(intent.after_version, started)
            for token, (intent, started) in self._ledger.open_intents.items()
            if token in tokens and intent.table == self._table and intent.lake_id in {self._lake_id, ""}
        }

    def record(self, result: CheckResult) -> None:
        ledger = self._ledger
        for token in result.spent:
            ledger.open_intents.pop(token, None)
        for token in result.started:
            ledger.open_intents[token] = (ledger.open_intents[token][0], True)
        ledger.checked[self._lake_id, self._table] = result.checked
        ledger.findings += [(self._lake_id, one) for one in result.foreign]
