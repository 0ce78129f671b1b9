"""Which code a figure was computed by: a digest over every module that figures and the merge into Silver depend on."""

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parent.parent
ENTRY_MODULES = ("lakehouse.gold.models", "lakehouse.gold.incremental", "lakehouse.cdc.merge.silver")


@cache
def code_version(package: Path = PACKAGE) -> str:
    """Return 16 hexadecimal digits that change with the code, and not with comments, docstrings or layout.

    The modules are found by their imports, so that a new room of the package needs no entry here.
    """
    digest = hashlib.sha256()
    for name, tree in sorted(_imported_modules(package).items()):
        digest.update(f"{name}\n{ast.dump(_without_docstrings(tree))}\n".encode())
    return digest.hexdigest()[:16]


def _imported_modules(package: Path) -> dict[str, ast.Module]:
    """Return the syntax tree of each module that the entry modules reach by imports, themselves included."""
    found: dict[str, ast.Module] = {}
    waiting = list(ENTRY_MODULES)
    while waiting:
        name = waiting.pop()
        path = _path(package, name)
        if name not in found and path is not None:
            found[name] = ast.parse(path.read_text(encoding="utf-8"))
            waiting += _imports(found[name])
    return found


def _path(package: Path, name: str) -> Path | None:
    """Return the file of a module of the package; None for another package's, and for a name that is no module."""
    top, *rest = name.split(".")
    if top != package.name:
        return None
    place = package.joinpath(*rest)
    candidates = (place / "__init__.py", place.with_suffix(".py"))
    return next((path for path in candidates if path.is_file()), None)


def _imports(tree: ast.Module) -> Iterator[str]:
    """Yield each dotted name that the module imports, also inside functions: a name in a module may be a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(
            node
        ):
            node.body = node.body[1:]
    return tree
