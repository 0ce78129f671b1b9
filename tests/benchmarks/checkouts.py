"""Checkouts of a commit in folders of their own, and commands that run in them."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from lakehouse.environment import without_foreign
from lakehouse.errors import HOME_VAR, BadInput, LakehouseError
from lakehouse.settings import ROOT

BENCH_FOLDER = ROOT / ".local" / "bench"
LOG_TAIL_CHARS = 2_000
# What `make bench` was called with is not for a make in another checkout.
MAKE_VARIABLES = frozenset(
    {"MAKEFLAGS", "MAKELEVEL", "MFLAGS", "MAKEOVERRIDES", "AGAINST", "ROUNDS", "BENCH", "SECTIONS", "SIZES", "HALVES"}
)


def resolve_commit(name: str, root: Path = ROOT) -> str:
    """Return the full hash of a commit, a branch, a tag or an expression such as HEAD~1.

    Raises BadInput for what names no single commit of this repository.
    """
    command = ("git", "-C", str(root), "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    completed = subprocess.run(command, capture_output=True, text=True, check=False)
    if completed.returncode:
        raise BadInput(f"no such commit: {name!r}. AGAINST is a commit, a branch or a tag, such as HEAD~1.")
    return completed.stdout.strip()


def check_out(commit: str, folder: Path, root: Path = ROOT) -> Path:
    """Return the folder with a commit checked out in a clone of `root`; what was installed there stays."""
    if not (folder / ".git").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        # The clone reads the objects of `root`, also those that no branch reaches.
        _git("clone", "--quiet", "--shared", "--no-checkout", str(root), str(folder))
    _git("-C", str(folder), "checkout", "--quiet", "--force", "--detach", commit)
    return folder


def share_installation(folder: Path, root: Path = ROOT) -> None:
    """Link the packages of `root` into a checkout that wants the same ones and has none, and the jars.

    A program writes a new file and renames it, so that a link never changes what `root` has. `make install` compares
    the jars with their locks afterwards, and fetches what differs.
    """
    lock = "requirements-local.txt"
    stamp = folder / ".venv" / "installed"
    if not stamp.exists() and (root / ".venv" / "installed").exists() and _equal(root / lock, folder / lock):
        shutil.rmtree(folder / ".venv", ignore_errors=True)
        _link_tree(root / ".venv", folder / ".venv", "installed")
        stamp.touch()
    if not (folder / ".local" / "jars").exists() and (root / ".local" / "jars").exists():
        # A cache of classes fits one folder, and the stamp would say that they were compared.
        _link_tree(
            root / ".local" / "jars",
            folder / ".local" / "jars",
            "installed",
            "*.aot",
            "*.lock",
            "classes-*",
            "aot-cache-*",
        )


def clean_variables(variables: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment for a command in another checkout: nothing of this one, of its make or of a stack."""
    ours = without_foreign({name: value for name, value in variables.items() if name != "PYTHONPATH"})
    return {name: value for name, value in ours.items() if name not in MAKE_VARIABLES | {HOME_VAR}}


def run_in(folder: Path, *command: str, variables: Mapping[str, str], log: Path | None = None) -> int:
    """Run a command in a checkout until it ends, and return its exit code; an interruption stops it first."""
    with (log or Path(os.devnull)).open("a", encoding="utf-8") as file:
        output = file if log else None
        process = subprocess.Popen(command, cwd=folder, env=dict(variables), stdout=output, stderr=output)
        try:
            return process.wait()
        except BaseException:
            process.terminate()
            process.wait()
            raise


def run_or_fail(folder: Path, *command: str, variables: Mapping[str, str], log: Path) -> None:
    """Run a command in a checkout. Raises LakehouseError, with the end of its log, where it fails."""
    if code := run_in(folder, *command, variables=variables, log=log):
        tail = log.read_text(encoding="utf-8", errors="replace")[-LOG_TAIL_CHARS:]
        raise LakehouseError(f"`{' '.join(command)}` ended with {code} in {folder}. Its log, {log}, ends with:\n{tail}")


def _git(*arguments: str) -> None:
    completed = subprocess.run(("git", *arguments), capture_output=True, text=True, check=False)
    if completed.returncode:
        raise LakehouseError(f"`git {arguments[0]}` failed: {completed.stderr.strip()}")


def _equal(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and one.read_bytes() == other.read_bytes()


def _link_tree(source: Path, target: Path, *without: str) -> None:
    shutil.copytree(source, target, symlinks=True, copy_function=os.link, ignore=shutil.ignore_patterns(*without))
