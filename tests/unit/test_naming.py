"""The check of names finds what it is for, in names, docstrings, log events and constants."""

from collections import Counter
from pathlib import Path

import pytest

from support.naming import REPOSITORY, check, split_words


@pytest.mark.parametrize(
    ("source", "finding"),
    [
        ("def rows_told() -> None: ...", "rows_told: “told” is no term of the field"),
        ("def find(rowsAsked: int) -> None: ...", "rowsAsked: “asked” is no term of the field"),
        ("class HeldRows: ...", "HeldRows: “held” is no term of the field"),
        ("def f() -> None:\n    taken_in = 1", "taken_in: “taken” is no term of the field"),
        ('def f() -> None:\n    """Give the rows."""', "docstring begins with “Give”"),
        ('"""Read the rows anew."""', "docstring: “anew” is no plain word for what happens"),
        ('"""A row that nobody told."""', "docstring: “told” is no plain word for what happens"),
        (f'"""Read {"a row and " * 8}end."""', "docstring sentence of 26 words"),
        ('log.info("Batch appended")', "log event “Batch appended” is no key like batch_appended"),
        ('self._log.warning("rows_kept")', "log event rows_kept: “kept” is no term of the field"),
    ],
)
def test_broken_rule_is_found_with_its_line(tmp_path: Path, source: str, finding: str) -> None:
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "module.py").write_text(source, encoding="utf-8")
    [found] = check(tmp_path)
    assert str(found).startswith("scripts/module.py:")
    assert finding in str(found)


def test_constant_with_two_values_is_found_in_both_modules(tmp_path: Path) -> None:
    _write_modules(tmp_path, one="SAME, MANY = 1, 2\n_OWN = 1", two="SAME = 1\nMANY: int = 3\n_OWN = 2")
    assert [str(finding) for finding in check(tmp_path)] == [
        "scripts/one.py:1: MANY has another value in scripts/two.py",
        "scripts/two.py:2: MANY has another value in scripts/one.py",
    ]


def test_constant_of_a_test_is_compared_with_those_of_scripts_only(tmp_path: Path) -> None:
    _write_modules(tmp_path, test_one="DAY, MANY = 1, 1", test_two="DAY, MANY = 2, 1", three="MANY = 3")
    assert {(finding.path, finding.text.split()[0]) for finding in check(tmp_path)} == {
        (f"scripts/{name}.py", "MANY") for name in ("test_one", "test_two", "three")
    }


def _write_modules(root: Path, **sources: str) -> None:
    (root / "scripts").mkdir()
    for name, source in sources.items():
        (root / "scripts" / f"{name}.py").write_text(source, encoding="utf-8")


def test_words_of_a_name_are_split_at_underscores_and_capitals() -> None:
    assert split_words("lastLSNOfBatch_v2") == ["last", "lsn", "of", "batch", "v", "2"]


def test_this_repository_has_no_finding() -> None:
    assert check(REPOSITORY) == []


def test_no_two_modules_of_the_package_have_the_same_basename() -> None:
    modules = (REPOSITORY / "scripts" / "lakehouse").rglob("*.py")
    counts = Counter(path.name for path in modules if path.name not in {"__init__.py", "__main__.py"})
    assert counts
    assert [name for name, count in counts.items() if count > 1] == []
