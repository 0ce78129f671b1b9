"""Names, docstrings and log events, checked against CONTRIBUTING.md's rules: python -m support.naming [--root DIR]."""

import argparse
import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent.parent
FOLDERS = ("scripts", "tests")
# Private words that an earlier version of this code used instead of the field's terms.
WORDS = frozenset(
    [
        "asked",
        "told",
        "held",
        "kept",
        "made",
        "taken",
        "seen",
        "touched",
        "beside",
        "anew",
        "whom",
        "lane",
        "turn",
        "sweep",
        "sweeps",
        "patience",
    ]
)
# A parameter sweep tries a list of values; a lock is held.
ALLOWED_FILES = {"sweep": re.compile(r"(^|/)(rule_options|options|scenarios|on_demand|test_\w+)\.py$")}
ALLOWED_NAMES = frozenset({"LockHeld", "ensure_held"})
# Words of a docstring that stand for a plain verb: return, yield, have, report, again.
DOCSTRING_WORDS = re.compile(r"(?<![\w`])(give|gives|told|anew)(?![\w`])", re.IGNORECASE)
FIRST_WORDS = frozenset({"give", "gives", "tell", "tells", "say", "says", *WORDS})
LOG_METHODS = frozenset({"debug", "info", "warning", "error", "exception", "critical"})
EVENT = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
MAX_SENTENCE_WORDS = 20
SENTENCE_END = re.compile(r"(?<=[.!?:;])\s+|\n\s*\n")
CONSTANT = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*")


@dataclass(frozen=True)
class Finding:
    """A place that breaks a rule."""

    path: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}"


def check(root: Path) -> list[Finding]:
    """Return every finding in the Python files of the folders, ordered by place."""
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in _files(root)}
    found = [finding for path, tree in trees.items() for finding in _check_file(str(path.relative_to(root)), tree)]
    found += _ambiguous_constants({str(path.relative_to(root)): tree for path, tree in trees.items()})
    return sorted(found, key=lambda finding: (finding.path, finding.line, finding.text))


def split_words(name: str) -> list[str]:
    """Return the lower-case words of an identifier, split at underscores and capitals."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)]


def _files(root: Path) -> list[Path]:
    return sorted(path for folder in FOLDERS for path in (root / folder).rglob("*.py"))


def _check_file(path: str, tree: ast.Module) -> Iterator[Finding]:
    for word in _forbidden(path, Path(path).stem):
        yield Finding(path, 1, f"file name: “{word}” is no term of the field")
    for node in ast.walk(tree):
        for name, line in _defined_names(node):
            for word in _forbidden(path, name):
                yield Finding(path, line, f"{name}: “{word}” is no term of the field")
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            yield from _check_docstring(path, node)
        if isinstance(node, ast.Call):
            yield from _check_log_event(path, node)


def _forbidden(path: str, name: str) -> list[str]:
    words = () if name in ALLOWED_NAMES else split_words(name)
    return [word for word in words if word in WORDS and not _is_allowed(path, word)]


def _is_allowed(path: str, word: str) -> bool:
    return word in ALLOWED_FILES and ALLOWED_FILES[word].search(path) is not None


def _defined_names(node: ast.AST) -> Iterator[tuple[str, int]]:
    """Yield each name that the node defines, with its line."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield node.name, node.lineno
        case ast.arg():
            yield node.arg, node.lineno
        case ast.Name(ctx=ast.Store()):
            yield node.id, node.lineno
        case ast.Attribute(ctx=ast.Store()):
            yield node.attr, node.lineno
        case ast.ExceptHandler(name=str(name)):
            yield name, node.lineno
        case ast.alias(asname=str(name)):
            yield name, node.lineno


def _check_docstring(path: str, node: ast.Module | ast.ClassDef | ast.FunctionDef) -> Iterator[Finding]:
    docstring = ast.get_docstring(node)
    if not docstring:
        return
    line = node.body[0].lineno
    first = re.match(r"\w+", docstring)
    if first and first.group().lower() in FIRST_WORDS:
        yield Finding(path, line, f"docstring begins with “{first.group()}”")
    for word in DOCSTRING_WORDS.findall(docstring[first.end() if first else 0 :]):
        yield Finding(path, line, f"docstring: “{word}” is no plain word for what happens")
    for sentence in SENTENCE_END.split(docstring):
        words = re.findall(r"[^\s—–-]\S*", sentence)
        if len(words) > MAX_SENTENCE_WORDS:
            yield Finding(path, line, f"docstring sentence of {len(words)} words: “{' '.join(words[:6])} …”")


def _check_log_event(path: str, call: ast.Call) -> Iterator[Finding]:
    match call:
        case ast.Call(
            func=ast.Attribute(attr=method, value=ast.Name(id="log") | ast.Attribute(attr="log" | "_log")),
            args=[ast.Constant(value=str(event)), *_],
        ) if method in LOG_METHODS:
            if not EVENT.fullmatch(event):
                yield Finding(path, call.lineno, f"log event “{event}” is no key like batch_appended")
            for word in _forbidden(path, event):
                yield Finding(path, call.lineno, f"log event {event}: “{word}” is no term of the field")


def _ambiguous_constants(trees: dict[str, ast.Module]) -> Iterator[Finding]:
    """Yield each public constant that two modules define with different values.

    Two test modules may do so: each has its own DAY and TABLE. A script or a helper beside them makes it a finding.
    """
    places: dict[str, list[tuple[str, int, str]]] = defaultdict(list)
    for path, tree in trees.items():
        for name, line, value in _constants(tree):
            places[name].append((path, line, ast.dump(value)))
    for name, found in places.items():
        has_different_values = len({value for _, _, value in found}) > 1
        if has_different_values and not all(Path(path).name.startswith("test_") for path, _, _ in found):
            for path, line, _ in found:
                others = ", ".join(other for other, _, _ in found if other != path)
                yield Finding(path, line, f"{name} has another value in {others}")


def _constants(tree: ast.Module) -> Iterator[tuple[str, int, ast.expr]]:
    """Yield each public constant of a module, with its line and the expression of its value."""
    for node in tree.body:
        match node:
            case ast.Assign(targets=[target], value=value) | ast.AnnAssign(target=target, value=ast.expr() as value):
                yield from (
                    (name, node.lineno, part) for name, part in _unpack(target, value) if CONSTANT.fullmatch(name)
                )


def _unpack(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    """Yield each assigned name with its part of the value; a value that cannot be split is yielded whole."""
    match target, value:
        case ast.Name(id=name), _:
            yield name, value
        case ast.Tuple(elts=targets), ast.Tuple(elts=parts) if len(targets) == len(parts):
            for item, part in zip(targets, parts, strict=True):
                yield from _unpack(item, part)
        case ast.Tuple(elts=targets), _:
            for item in targets:
                yield from _unpack(item, value)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, epilog="example: python -m support.naming")
    parser.add_argument("--root", type=Path, default=REPOSITORY)
    findings = check(parser.parse_args().root)
    for finding in findings:
        print(finding)
    if findings:
        sys.exit(f"{len(findings)} names or docstrings break the rules of CONTRIBUTING.md")


if __name__ == "__main__":
    main()
