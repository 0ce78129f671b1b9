"""The jars of Spark, Kafka and Connect: named one by one with their SHA-256 in a lock file, fetched without Maven.

Our own, compiled, stands beside Spark's.
"""

import argparse
import hashlib
import shutil
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import stamina
from jgo.maven import Artifact, MavenContext
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from lakehouse.errors import LakehouseError, run
from lakehouse.local.java import java_home
from lakehouse.local.java_build import build
from lakehouse.settings import ROOT, Settings

LOCK_FILES = {
    "spark": ROOT / "spark" / "jars.lock",
    "compiler": ROOT / "spark" / "compiler.lock",
    "kafka": Path(__file__).parent / "kafka.lock",
    "connect": ROOT / "debezium" / "jars.lock",
}
MAX_DOWNLOADS = 16


@dataclass(frozen=True)
class Jar:
    """One artifact, and what its bytes must be."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def name(self) -> str:
        """The file's name."""
        return f"{self.artifact}-{self.version}.jar"

    def __str__(self) -> str:
        return f"{self.group}:{self.artifact}:{self.version}"


def read_lock(text: str) -> list[Jar]:
    """Give the jars that a lock file names: `group:artifact:version sha256:...` a line, `#` begins a comment."""
    return [_jar(line) for line in text.splitlines() if line.strip() and not line.startswith("#")]


def fetch(jars_dir: Path, locks: dict[str, Path]) -> None:
    """Fill a folder per lock with exactly its jars, all checked; only what is missing is fetched.

    It may be interrupted anywhere: a jar stands in its folder only once its checksum was right.
    """
    jars_by_folder = {jars_dir / name: read_lock(lock.read_text(encoding="utf-8")) for name, lock in locks.items()}
    targets = [(jar, folder / jar.name) for folder, jars in jars_by_folder.items() for jar in jars]
    missing = [(jar, place) for jar, place in targets if not (place.is_file() and sha256(place) == jar.sha256)]
    if missing:
        _download_all({jar for jar, _ in missing}, jars_dir / "downloading")
        for jar, target in missing:
            _install(jars_dir / "downloading" / jar.name, target)
        shutil.rmtree(jars_dir / "downloading")
    for folder, jars in jars_by_folder.items():
        _prune(folder, {jar.name for jar in jars})


def verify(path: Path, jar: Jar) -> None:
    """Refuse, and delete, a file whose bytes are not the locked ones."""
    if (actual := sha256(path)) != jar.sha256:
        path.unlink()
        raise LakehouseError(
            f"{jar}: its SHA-256 is {actual}, the lock says {jar.sha256}. The file was deleted; "
            "run `make jars` again, and if that stays, find out who changed it."
        )


def sha256(path: Path) -> str:
    """Give a file's SHA-256, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _jar(line: str) -> Jar:
    try:
        coordinate, checksum = line.split()
        group, artifact, version = coordinate.split(":")
        algorithm, digest = checksum.split(":")
    except ValueError:
        raise LakehouseError(f"not a line of a lock file: {line!r}") from None
    if algorithm != "sha256":
        raise LakehouseError(f"a lock file's checksums are sha256, not {algorithm}: {line!r}")
    return Jar(group, artifact, version, digest)


def _download_all(jars: set[Jar], folder: Path) -> None:
    columns = (TextColumn("jars"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns) as progress, ThreadPoolExecutor(MAX_DOWNLOADS) as pool:
        task = progress.add_task("jars", total=len(jars))
        downloads = [pool.submit(_download, jar, folder) for jar in jars]
        try:
            for download in as_completed(downloads):
                download.result()
                progress.advance(task)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _download(jar: Jar, folder: Path) -> None:
    if (folder / jar.name).is_file():
        return
    context = MavenContext(repo_cache=folder / "repository", local_repos=[], timeout=60)
    artifact = context.project(jar.group, jar.artifact).at_version(jar.version).artifact()
    try:
        path = _resolve(artifact)
    except (OSError, RuntimeError) as error:
        raise LakehouseError(
            f"{jar} could not be downloaded: {error}. Is there a network? Then run it again."
        ) from error
    verify(path, jar)
    path.replace(folder / jar.name)


# A hundred downloads in a row: a name that is not resolved or a connection that is cut is no reason to give up.
@stamina.retry(on=OSError, attempts=6, timeout=90)
def _resolve(artifact: Artifact) -> Path:
    if artifact.cached_path:  # what an interrupted download left; jgo would take it for whole
        artifact.cached_path.unlink(missing_ok=True)
    path: Path = artifact.resolve()
    return path


def _install(downloaded: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(".part")
    shutil.copyfile(downloaded, part)
    part.replace(target)


def _prune(folder: Path, names: set[str]) -> None:
    for path in folder.iterdir():
        if path.name not in names:
            path.unlink()


def main() -> None:
    """Fetch what is missing of the sets named, and compile our own Java where Spark's is among them."""
    parser = argparse.ArgumentParser(
        prog="python -m lakehouse.local.jars",
        description=__doc__,
        epilog="example: python -m lakehouse.local.jars spark",
    )
    parser.add_argument("sets", nargs="*", metavar="SET", help=f"{', '.join(LOCK_FILES)} (default: all)")
    sets = parser.parse_args().sets or list(LOCK_FILES)
    if unknown := set(sets) - set(LOCK_FILES):
        parser.error(f"no such set: {', '.join(sorted(unknown))}")
    settings = Settings()
    if "spark" in sets:
        sets.append("compiler")
    fetch(settings.jars_dir, {name: LOCK_FILES[name] for name in sets})
    if "spark" in sets:
        build(java_home(settings.jars_dir.parent, settings.java_home), settings.jars_dir)


if __name__ == "__main__":
    run(main)
