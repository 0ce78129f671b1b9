"""Tests use public names of what they test, and no assertion reads the clock: midnight may pass in between."""

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from lakehouse.settings import ROOT

PACKAGES = frozenset({"lakehouse", "Jobs_Spark", "ETL_Full_Load"})
# The functions that find an attribute by its name: monkeypatch's, mock's, and the built-in ones.
LOOKUP_FUNCTIONS = frozenset({"setattr", "delattr", "getattr", "patch", "object"})
CLOCK_FUNCTIONS = frozenset({"today", "now", "utcnow", "utc_now"})


def find_problems(source: str) -> list[str]:
    """Return each private name of the project and each expected value from the clock, with its line."""
    nodes = [*ast.walk(ast.parse(source))]
    return [
        *(f"{line}: uses {name}" for node in nodes for line, name in _names_used(node) if _is_private(name)),
        *(f"{line}: expects {name}()" for node in nodes for line, name in _clock_calls_expected(node)),
    ]


def _names_used(node: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the names that a node imports from the project, and those that it looks up by their text."""
    match node:
        case ast.ImportFrom(module=str(module), names=names):
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in names if _is_ours(module))
        case ast.Import(names=names):
            yield from ((node.lineno, alias.name) for alias in names if _is_ours(alias.name))
        case ast.Call(func=function, args=arguments) if _name_of(function) in LOOKUP_FUNCTIONS:
            texts = [argument.value for argument in arguments[:2] if isinstance(argument, ast.Constant)]
            yield from ((node.lineno, text) for text in texts if isinstance(text, str))


def _clock_calls_expected(node: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the calls of the clock in an assertion, or in a decorator, such as those of a test's parameters."""
    expressions: Sequence[ast.AST] = (
        [node] if isinstance(node, ast.Assert) else node.decorator_list if isinstance(node, ast.FunctionDef) else []
    )
    for expression in expressions:
        for call in ast.walk(expression):
            if isinstance(call, ast.Call) and (name := _name_of(call.func)) in CLOCK_FUNCTIONS:
                yield call.lineno, name


def _name_of(function: ast.expr) -> str:
    match function:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def _is_ours(module: str) -> bool:
    return module.split(".", maxsplit=1)[0] in PACKAGES


def _is_private(path: str) -> bool:
    """Return whether a part of a dotted name begins with an underscore, other than a name like __init__."""
    return any(part.startswith("_") and not part.startswith("__") for part in path.split("."))


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("from lakehouse.cdc.merge.silver import _merge", "1: uses lakehouse.cdc.merge.silver._merge"),
        ("from lakehouse.cdc.merge.silver import _merge as merge", "1: uses lakehouse.cdc.merge.silver._merge"),
        ("from lakehouse._private import name", "1: uses lakehouse._private.name"),
        ("import lakehouse._private", "1: uses lakehouse._private"),
        ('monkeypatch.setattr(silver, "_merge", fail)', "1: uses _merge"),
        (
            '\nmonkeypatch.setattr("lakehouse.cdc.merge.silver._merge", fail)',
            "2: uses lakehouse.cdc.merge.silver._merge",
        ),
        ('patch("lakehouse.cdc.merge.silver._merge")', "1: uses lakehouse.cdc.merge.silver._merge"),
        ('mock.patch.object(silver, "_merge")', "1: uses _merge"),
        ('getattr(silver, "_merge")', "1: uses _merge"),
        ("assert row.year == today().year", "1: expects today()"),
        ("assert written_at <= datetime.now(timezone.utc), message", "1: expects now()"),
        ('@pytest.mark.parametrize("day", [clock.today()])\ndef test_day(day): ...', "1: expects today()"),
    ],
)
def test_private_name_or_clock_in_a_test_is_found_with_its_line(source: str, problem: str) -> None:
    assert find_problems(source) == [problem]


@pytest.mark.parametrize(
    "source",
    [
        "from lakehouse.local import __main__",
        "from _pytest.mark import ParameterSet",
        'monkeypatch.setattr(Lake, "append", fail)',
        'monkeypatch.setattr(module, "append", "_text")',
        "day = today()\nassert row.year == day.year",
        'assert conn.execute("SELECT now()")',
    ],
)
def test_public_name_and_a_day_read_once_are_no_problem(source: str) -> None:
    assert find_problems(source) == []


def test_no_test_uses_a_private_name_or_expects_what_the_clock_says() -> None:
    problems = {
        str(path.relative_to(ROOT)): found
        for path in sorted(Path(ROOT, "tests").rglob("*.py"))
        if (found := find_problems(path.read_text(encoding="utf-8")))
    }
    assert problems == {}
