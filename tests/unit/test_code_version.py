"""The version of a figure's code follows what is computed: code of every room that it depends on, and no comment."""

import shutil
from pathlib import Path

import pytest

from lakehouse.gold.code_version import PACKAGE, code_version


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Return a copy of the package, to be changed."""
    return Path(shutil.copytree(PACKAGE, tmp_path / "lakehouse", ignore=shutil.ignore_patterns("__pycache__")))


@pytest.mark.parametrize(
    "module",
    [
        "cdc/merge/deduplication.py",
        "cdc/merge/debezium_types.py",
        "cdc/lake.py",
        "contracts/rh_employees.py",
        "gold/incremental.py",
        "gold/prime.py",
    ],
)
def test_changed_line_of_code_changes_the_version(package: Path, module: str) -> None:
    assert code_version(package) == code_version()
    file = package / module
    file.write_text(file.read_text(encoding="utf-8") + "\nADDED = 1\n", encoding="utf-8")
    code_version.cache_clear()
    assert code_version(package) != code_version()


@pytest.mark.parametrize("module", ["cdc/merge/deduplication.py", "gold/prime.py"])
def test_changed_comment_or_docstring_does_not_change_the_version(package: Path, module: str) -> None:
    file = package / module
    lines = file.read_text(encoding="utf-8").split("\n")
    file.write_text("\n".join(['"""Another docstring."""', "# and a comment", "", *lines[1:]]), encoding="utf-8")
    assert code_version(package) == code_version()


def test_changed_module_outside_of_the_computation_does_not_change_the_version(package: Path) -> None:
    file = package / "slack/notifier.py"
    file.write_text(file.read_text(encoding="utf-8") + "\nADDED = 1\n", encoding="utf-8")
    assert code_version(package) == code_version()
