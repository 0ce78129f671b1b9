"""Entry points are short, and each program that people call explains itself with an example."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lakehouse.settings import ROOT

MAX_LINES = 60
ENTRY_POINTS = sorted(
    path.relative_to(ROOT)
    for folder, pattern in (
        ("scripts/Jobs_Spark", "[a-z]*.py"),
        ("scripts/ETL_Full_Load", "[a-z]*.py"),
        (".", "simulate_new_strava_activities.py"),
    )
    for path in (ROOT / folder).glob(pattern)
)
# Programs that the Makefile or a document runs by `python -m`, or by their path as preflight.
TOOLS = (
    "lakehouse.local",
    "lakehouse.local.jars",
    "lakehouse.local.pin_images",
    "lakehouse.local.preflight",
    "lakehouse.local.sbom",
    "lakehouse.local.source_address",
    "lakehouse.simulator.sample_company",
    "support.naming",
    "benchmarks.run",
    "chaos.run",
)


@pytest.mark.parametrize("path", ENTRY_POINTS, ids=str)
def test_entry_point_has_at_most_60_lines(path: Path) -> None:
    assert len((ROOT / path).read_text(encoding="utf-8").splitlines()) <= MAX_LINES


@pytest.mark.parametrize(
    "arguments", [*((str(path),) for path in ENTRY_POINTS), *(("-m", tool) for tool in TOOLS)], ids=" ".join
)
def test_help_of_a_program_has_an_example(arguments: tuple[str, ...]) -> None:
    completed = subprocess.run(
        [sys.executable, *arguments, "--help"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "tests")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert re.search(r"^(examples?:|exemple :)", completed.stdout, re.MULTILINE), completed.stdout


def test_makefile_runs_no_other_tool() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    called = set(re.findall(r"-m ((?:lakehouse|support|benchmarks|chaos)[\w.]*)", makefile))
    assert called
    assert called <= set(TOOLS)
