"""Our own Java (spark/java), compiled by ecj into a jar next to Spark's.

A folder of classes on the class path would disable Java's ahead-of-time cache.
"""

import hashlib
import os
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZipFile, ZipInfo

from lakehouse.environment import UTF8_LOCALE, without_foreign
from lakehouse.errors import LakehouseError
from lakehouse.settings import ROOT
from lakehouse.spark.jvm_options import WITHOUT_PERF_DATA, spark_home

JAVA_SOURCES = ROOT / "spark" / "java"
JAVA_RELEASE = "17"  # the oldest Java that Spark 4.2 runs on
OWN_JARS = "lakehouse-*.jar"


def build(java: Path, jars_dir: Path, sources: Path = JAVA_SOURCES) -> Path:
    """Compile the sources into `<jars_dir>/spark/lakehouse-<digest>.jar`, remove older ones, and return its path.

    The digest is that of the sources, so that an existing jar is not built again.
    Raises LakehouseError with the compiler's output where a source is wrong.
    """
    files = sorted(sources.rglob("*.java"))
    jar = jars_dir / "spark" / f"lakehouse-{_digest(files)}.jar"
    if not jar.exists():
        with TemporaryDirectory(prefix="classes-", dir=jars_dir) as folder:
            classes, part = Path(folder) / "classes", Path(folder) / jar.name
            compile_java(java, jars_dir, files, classes)
            _pack(classes, part)
            part.chmod(0o600)
            part.replace(jar)
    for older in jar.parent.glob(OWN_JARS):
        if older != jar:
            older.unlink()
    return jar


def compile_java(java: Path, jars_dir: Path, files: list[Path], classes: Path) -> None:
    """Compile the files against Spark's and Delta's jars into the folder `classes`.

    Raises LakehouseError with the compiler's output where a file is wrong.
    """
    [compiler] = (jars_dir / "compiler").glob("ecj-*.jar")
    jars = [*(spark_home() / "jars").glob("*.jar"), *(jars_dir / "spark").glob("*.jar")]
    result = subprocess.run(
        [
            str(java / "bin" / "java"),
            *(WITHOUT_PERF_DATA, f"-Djava.io.tmpdir={jars_dir}"),
            *("-jar", str(compiler), f"-{JAVA_RELEASE}", "-proc:none", "-encoding", "UTF-8"),
            *("-cp", ":".join(map(str, jars)), "-d", str(classes)),
            *map(str, files),
        ],
        env=without_foreign(os.environ) | UTF8_LOCALE,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise LakehouseError(f"{files[0].parent} could not be compiled:\n{result.stdout}{result.stderr}")


def _digest(files: list[Path]) -> str:
    digest = hashlib.sha256(JAVA_RELEASE.encode())
    for file in files:
        digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()[:12]


def _pack(classes: Path, jar: Path) -> None:
    """Write the classes into a jar; the same classes always become the same bytes."""
    with ZipFile(jar, "w") as packed:
        for file in sorted(classes.rglob("*.class")):
            packed.writestr(ZipInfo(file.relative_to(classes).as_posix()), file.read_bytes())
