"""The problems of a file, by line and column, of which a person is shown the first ones."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from lakehouse.hr.files import NOTHING_LOADED

MAX_PROBLEMS_SHOWN = 20  # with more problems than this, the file as a whole is wrong


@dataclass(frozen=True)
class Problem:
    """A reason and its place, without the value: it may be a salary, a name or an address."""

    line: int
    reason: str
    column: str | None = None

    def __str__(self) -> str:
        return f"ligne {self.line}{f', colonne « {self.column} »' if self.column else ''} : {self.reason}"


@dataclass
class Problems:
    """The number of problems, and those of the first lines; a file of a million lines may have ten million."""

    count: int = 0
    first: list[Problem] = field(default_factory=list)

    def add(self, problem: Problem) -> None:
        self.count += 1
        if len(self.first) < MAX_PROBLEMS_SHOWN or problem.line < self.first[-1].line:
            self.first.append(problem)
            self.first.sort(key=lambda shown: shown.line)
            del self.first[MAX_PROBLEMS_SHOWN:]

    def extend(self, problems: Iterable[Problem]) -> None:
        for problem in problems:
            self.add(problem)

    def describe(self, file: str) -> str:
        """Return the error's text for a file with this name."""
        if self.count == 1:
            return f"{file}, {self.first[0]}. Corrigez la cellule. {NOTHING_LOADED}"
        rest = self.count - len(self.first)
        shown = [f"{file}, {problem}" for problem in self.first]
        return "\n".join(
            [*shown, *([f"… et {rest} de plus"] if rest > 0 else []), f"Corrigez ces cellules. {NOTHING_LOADED}"]
        )
