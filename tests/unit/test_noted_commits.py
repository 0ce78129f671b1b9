"""Law 9: whatever of ours commits to the lake notes it first; a new writer cannot forget it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from lakehouse.settings import ROOT

SCRIPTS = Path(ROOT, "scripts")
# They only read: their stores have no ledger.
READERS = frozenset({"capture_status.py", "explain_employee.py", "jvm_settings.py", "watcher.py"})
# The file whose stores have one.
LEDGER_MODULE = "commit_ledger.py"
# The methods of delta-rs that commit. Spark's own `delete` and `merge` take their stamp from a session.
COMMITTING_METHODS = frozenset({"set_table_properties", "add_columns", "compact", "vacuum", "restore", "repair"})


def calls(file: Path) -> Iterator[ast.Call]:
    return (node for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))) if isinstance(node, ast.Call))


def unnoted_commits(source: str) -> list[int]:
    """Return the lines in which delta-rs commits without the properties that carry the token."""
    lines = []
    for call in (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)):
        is_commit = (
            isinstance(call.func, ast.Attribute)
            and (call.func.attr in COMMITTING_METHODS or ast.unparse(call.func) == "DeltaTable.create")
            and not ast.unparse(call.func).startswith(("self.", "store."))
        ) or ast.unparse(call.func) == "write_deltalake"
        if is_commit and "commit_properties" not in {keyword.arg for keyword in call.keywords}:
            lines.append(call.lineno)
    return lines


def test_only_readers_open_a_store_without_a_ledger() -> None:
    unnoted = {
        file.name
        for file in SCRIPTS.rglob("*.py")
        for call in calls(file)
        if ast.unparse(call.func) == "TableStore" and file.name != LEDGER_MODULE
    }
    assert unnoted == READERS


def test_every_commit_by_delta_rs_carries_a_noted_token() -> None:
    unnoted = {
        f"{file.relative_to(ROOT)}:{line}"
        for file in SCRIPTS.rglob("*.py")
        for line in unnoted_commits(file.read_text(encoding="utf-8"))
    }
    assert unnoted == set()


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("DeltaTable.create(path, schema=x)", [1]),
        ("table.alter.set_table_properties(x)", [1]),
        ("DeltaTable(path).optimize.compact()", [1]),
        ("write_deltalake(path, rows)", [1]),
        ("table.vacuum(7, commit_properties=noted)", []),
        ("self.add_columns(x)", []),
    ],
)
def test_check_finds_each_way_to_commit(source: str, lines: list[int]) -> None:
    assert unnoted_commits(source) == lines
