"""Law: the image's early layers have each file that their commands import."""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from lakehouse.settings import ROOT

DOCKERFILE = ROOT / "scripts" / "Dockerfile"
STAGE = "jars"


def test_jars_stage_has_all_files_that_its_commands_import(tmp_path: Path) -> None:
    modules = ["lakehouse.local.jars", "lakehouse.local.java"]
    lines = [*_instructions(STAGE)]
    assert all(module in "\n".join(lines) for module in modules)
    for line in lines:
        name, *arguments = shlex.split(line)
        if name == "COPY":
            _copy(arguments, tmp_path)
    subprocess.run(
        [sys.executable, "-c", f"import {', '.join(modules)}"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": "scripts"},
        check=True,
        timeout=60,
    )


def _instructions(stage: str) -> Iterator[str]:
    """Yield the instructions of a stage of the Dockerfile, each on a line."""
    current = ""
    for line in DOCKERFILE.read_text(encoding="utf-8").replace("\\\n", " ").splitlines():
        if line.startswith("FROM "):
            current = line.split()[-1]
        elif current == stage and line:
            yield line


def _copy(arguments: list[str], folder: Path) -> None:
    """Copy as COPY does without options: a folder's content, or files into a folder that is made for them."""
    *sources, target = arguments
    for source in sources:
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, folder / target, dirs_exist_ok=True)
        else:
            (folder / target).mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / source, folder / target)
