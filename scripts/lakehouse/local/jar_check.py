"""Compare each installed jar with its lock file, and let `make install` run again where one differs.

All are hashed each time, 100 MB in 0.3 s: a size and a time say nothing of a jar that was replaced. Standard library
only, in syntax that an old Python can parse: it is started without the packages.
"""

from __future__ import annotations

import signal

signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C: no traceback

import hashlib
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[3]
JAR_LOCKS = {
    "spark": "spark/jars.lock",
    "compiler": "spark/compiler.lock",
    "kafka": "scripts/lakehouse/local/kafka.lock",
    "connect": "debezium/jars.lock",
}
OWN_SUMS = "own.sha256"  # of the jars that are compiled here
INSTALLED_STAMP = "installed"
USAGE = "example: python3 scripts/lakehouse/local/jar_check.py"


def sha256(path: Path) -> str:
    """Return a file's SHA-256, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def find_wrong_jars(jars_dir: Path, locks: dict[str, Path]) -> list[str]:
    """Return what differs from the lock files, and from the sums of our own jars: a line for each jar."""
    expected = {
        jars_dir / name / jar: checksum for name, lock in locks.items() for jar, checksum in _read_lock(lock).items()
    }
    expected.update(_read_own_sums(jars_dir))
    present = {path for name in locks for path in (jars_dir / name).glob("*")}
    wrong = [f"{path} is not there" for path in sorted(set(expected) - present)]
    wrong += [f"{path} is of no lock file" for path in sorted(present - set(expected))]
    return wrong + [
        f"{path} has another SHA-256 than its lock file says"
        for path in sorted(present & set(expected))
        if not path.is_file() or sha256(path) != expected[path]
    ]


def delete_wrong_own_jars(jars_dir: Path) -> None:
    """Delete the jars compiled here whose sum differs or was not recorded, so that they are compiled again."""
    sums = _read_own_sums(jars_dir)
    for path in jars_dir.glob("spark/lakehouse-*.jar"):
        if sums.get(path) != sha256(path):
            path.unlink()


def write_own_sums(jars_dir: Path, jars: list[Path]) -> None:
    """Record the sums of the jars that were just compiled."""
    lines = [f"{sha256(jar)}  {jar.relative_to(jars_dir).as_posix()}\n" for jar in jars]
    (jars_dir / OWN_SUMS).write_text("".join(lines), encoding="utf-8")


def _read_own_sums(jars_dir: Path) -> dict[Path, str]:
    sums = jars_dir / OWN_SUMS
    lines = sums.read_text(encoding="utf-8").splitlines() if sums.exists() else []
    pairs = (line.partition("  ") for line in lines)
    return {jars_dir / name: checksum for checksum, _, name in pairs}


def _read_lock(lock: Path) -> dict[str, str]:
    """Return the SHA-256 of each jar by its file name."""
    sums = {}
    for line in lock.read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            coordinate, checksum = line.split()
            _, artifact, version = coordinate.split(":")
            sums[f"{artifact}-{version}.jar"] = checksum.split(":")[1]
    return sums


def main() -> int:
    """Print each jar that differs, and remove the stamp of the installation, so that it is repeated."""
    if sys.argv[1:]:
        print(f"{__doc__}\n{USAGE}")
        return 0 if sys.argv[1:] in (["--help"], ["-h"]) else 2
    jars_dir = CHECKOUT / ".local" / "jars"
    stamp = jars_dir / INSTALLED_STAMP
    if not stamp.exists():
        return 0  # it is installed next
    wrong = find_wrong_jars(jars_dir, {name: CHECKOUT / lock for name, lock in JAR_LOCKS.items()})
    for line in wrong:
        print(f"{line}: it is fetched again, or removed.")
    if wrong:
        delete_wrong_own_jars(jars_dir)
        stamp.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
