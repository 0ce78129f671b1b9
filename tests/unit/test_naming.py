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
    (tmp_path / "scripts").mkdir()
    for name, value in (("one", 1), ("two", 2), ("test_three", 3)):
        (tmp_path / "scripts" / f"{name}.py").write_text(
            f"MANY = {value}\nSAME = 1\n_OWN = {value}\n", encoding="utf-8"
        )
    assert [finding.path for finding in check(tmp_path)] == ["scripts/one.py", "scripts/two.py"]


def test_words_of_a_name_are_split_at_underscores_and_capitals() -> None:
    assert split_words("lastLSNOfBatch_v2") == ["last", "lsn", "of", "batch", "v", "2"]


def test_this_repository_has_no_finding() -> None:
    assert check(REPOSITORY) == []


def test_no_two_modules_of_the_package_have_the_same_basename() -> None:
    modules = (REPOSITORY / "scripts" / "lakehouse").rglob("*.py")
    counts = Counter(path.name for path in modules if path.name not in {"__init__.py", "__main__.py"})
    assert counts
    assert [name for name, count in counts.items() if count > 1] == []
