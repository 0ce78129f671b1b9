"""The jars of Spark, Kafka and Connect: listed with their SHA-256 in lock files, downloaded without Maven.

Our own Java is compiled into a jar next to Spark's.
"""

import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import stamina
from jgo.maven import Artifact, MavenContext
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from lakehouse.arguments import Parser
from lakehouse.errors import LakehouseError, run
from lakehouse.local.jar_check import JAR_LOCKS, sha256, write_own_sums
from lakehouse.local.java import java_home
from lakehouse.local.java_build import OWN_JARS, build
from lakehouse.local.step_times import JARS, JAVA_BUILD, describe, only_install_steps, read_times, timed_step
from lakehouse.settings import ROOT, Settings

LOCK_FILES = {name: ROOT / lock for name, lock in JAR_LOCKS.items()}
MAX_DOWNLOADS = 16


@dataclass(frozen=True)
class Jar:
    """A Maven artifact, and the SHA-256 that its file must have."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def name(self) -> str:
        """Return the name of the artifact's file."""
        return f"{self.artifact}-{self.version}.jar"

    def __str__(self) -> str:
        return f"{self.group}:{self.artifact}:{self.version}"


def read_lock(text: str) -> list[Jar]:
    """Return the jars that a lock file lists: `group:artifact:version sha256:...` a line, `#` begins a comment."""
    return [_jar(line) for line in text.splitlines() if line.strip() and not line.startswith("#")]


def download_all(jars: set[Jar], folder: Path) -> None:
    """Download the jars into the folder in parallel, with a progress bar; a jar that is there already is not repeated.

    Raises LakehouseError for a jar that cannot be downloaded, or whose checksum differs.
    """
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


def fetch(jars_dir: Path, locks: dict[str, Path], download: Callable[[set[Jar], Path], None] = download_all) -> None:
    """Fill one folder per lock file with exactly its jars, all verified; download only the missing ones. OWN_JARS stay.

    May be interrupted anywhere: a jar is in its folder only after its checksum matched.
    """
    jars_by_folder = {jars_dir / name: read_lock(lock.read_text(encoding="utf-8")) for name, lock in locks.items()}
    targets = [(jar, folder / jar.name) for folder, jars in jars_by_folder.items() for jar in jars]
    missing = [(jar, target) for jar, target in targets if not (target.is_file() and sha256(target) == jar.sha256)]
    for _, target in missing:
        if target.is_dir():
            shutil.rmtree(target)
    if missing:
        download({jar for jar, _ in missing}, jars_dir / "downloading")
        for jar, target in missing:
            _install(jars_dir / "downloading" / jar.name, target, jar)
        shutil.rmtree(jars_dir / "downloading")
    for folder, jars in jars_by_folder.items():
        _prune(folder, {jar.name for jar in jars})


def verify(path: Path, jar: Jar) -> None:
    """Delete the file and raise LakehouseError where its SHA-256 is not the locked one."""
    if (actual := sha256(path)) != jar.sha256:
        path.unlink()
        raise LakehouseError(
            f"{jar}: its SHA-256 is {actual}, the lock says {jar.sha256}. The file was deleted; "
            "run `make install` again, and if the difference stays, find out who changed the file."
        )


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


def _download(jar: Jar, folder: Path) -> None:
    if (folder / jar.name).is_file() and sha256(folder / jar.name) == jar.sha256:
        return  # of an interrupted installation
    context = MavenContext(repo_cache=folder / "repository", local_repos=[], timeout=60)
    artifact = context.project(jar.group, jar.artifact).at_version(jar.version).artifact()
    try:
        path = resolve(artifact)
    except (OSError, RuntimeError) as error:
        raise LakehouseError(
            f"{jar} could not be downloaded: {error}. Is there a network? Then run it again."
        ) from error
    verify(path, jar)
    path.replace(folder / jar.name)


# In a hundred downloads, a failed name resolution or a dropped connection is no reason to stop.
@stamina.retry(on=OSError, attempts=6, timeout=90)
def resolve(artifact: Artifact) -> Path:
    """Download the artifact, again after a dropped connection, and return its file."""
    if artifact.cached_path:  # left by an interrupted download; jgo would take it as complete
        artifact.cached_path.unlink(missing_ok=True)
    path: Path = artifact.resolve()
    return path


def _install(downloaded: Path, target: Path, jar: Jar) -> None:
    """Copy a jar to its place, where it is compared with its lock: a full disk or another program may change a copy."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(".part")
    shutil.copyfile(downloaded, part)
    verify(part, jar)
    part.replace(target)


def _prune(folder: Path, names: set[str]) -> None:
    for path in folder.iterdir():
        if path.name not in names and not path.match(OWN_JARS):
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def main() -> None:
    """Download the missing jars of the named sets; with Spark's set, also compile our own Java."""
    parser = Parser(
        prog="python -m lakehouse.local.jars",
        description=__doc__,
        epilog="example: python -m lakehouse.local.jars spark",
    )
    parser.add_argument("sets", nargs="*", metavar="SET", help=f"{', '.join(LOCK_FILES)} (default: all)")
    sets = parser.parse_args().sets or list(LOCK_FILES)
    if unknown := set(sets) - set(LOCK_FILES):
        parser.error(f"no such set: {', '.join(sorted(unknown))}")
    settings = Settings()
    home = settings.jars_dir.parent
    if "spark" in sets:
        sets.append("compiler")
    with timed_step(home, JARS):
        fetch(settings.jars_dir, {name: LOCK_FILES[name] for name in sets})
    if "spark" in sets:
        with timed_step(home, JAVA_BUILD):
            jar = build(java_home(home, settings.java_home), settings.jars_dir)
            write_own_sums(settings.jars_dir, [jar])
    if times := only_install_steps(read_times(home)):
        print(f"make install took {sum(times.values()):.0f} s: {describe(times)}")


if __name__ == "__main__":
    run(main)
