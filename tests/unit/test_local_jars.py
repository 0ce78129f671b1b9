"""Law: a jar equals its lock to the byte, or it is an error that names it."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
import stamina

from lakehouse.errors import LakehouseError
from lakehouse.local import jars

JAR = jars.Jar("org.example", "tool", "1.0", hashlib.sha256(b"the jar").hexdigest())
LOCK_LINE = f"org.example:tool:1.0 sha256:{JAR.sha256}\n"


def _write_lock(folder: Path) -> dict[str, Path]:
    lock = folder / "jars.lock"
    lock.write_text(f"# why\n\n{LOCK_LINE}", encoding="utf-8")
    return {"set": lock}


def test_jar_lock_file_is_parsed() -> None:
    assert jars.read_lock(f"# why\n\n{LOCK_LINE}") == [JAR]


@pytest.mark.parametrize("line", ["org.example:tool:1.0", "tool:1.0 sha256:00", "a:b:c md5:00"])
def test_invalid_lock_line_is_an_error_that_shows_it(line: str) -> None:
    with pytest.raises(LakehouseError, match=line):
        jars.read_lock(line)


@pytest.mark.parametrize("name", jars.LOCK_FILES)
def test_every_lock_file_is_valid_and_has_no_duplicates(name: str) -> None:
    names = [jar.name for jar in jars.read_lock(jars.LOCK_FILES[name].read_text(encoding="utf-8"))]
    assert names
    assert len(names) == len(set(names))


def test_jar_with_a_wrong_checksum_is_refused_and_deleted(tmp_path: Path) -> None:
    path = tmp_path / JAR.name
    path.write_bytes(b"another jar")
    with pytest.raises(LakehouseError, match=r"org\.example:tool:1\.0"):
        jars.verify(path, JAR)
    assert not path.exists()


def test_valid_jar_is_not_fetched_again_and_unknown_jars_are_deleted_but_our_own(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / JAR.name).write_bytes(b"the jar")
    (folder / "lakehouse-0123456789ab.jar").write_bytes(b"compiled from spark/java")
    (folder / "tool-0.9.jar").write_bytes(b"of an older lock")
    jars.fetch(tmp_path, _write_lock(tmp_path), lambda *_: pytest.fail("fetched again"))
    assert {path.name for path in folder.iterdir()} == {JAR.name, "lakehouse-0123456789ab.jar"}


def test_a_half_written_jar_is_fetched_again(tmp_path: Path) -> None:
    def download(wanted: set[jars.Jar], folder: Path) -> None:
        folder.mkdir()
        for jar in wanted:
            (folder / jar.name).write_bytes(b"the jar")

    (tmp_path / "set").mkdir()
    (tmp_path / "set" / JAR.name).write_bytes(b"the j")
    jars.fetch(tmp_path, _write_lock(tmp_path), download)
    assert (tmp_path / "set" / JAR.name).read_bytes() == b"the jar"


def test_interrupted_download_is_retried() -> None:
    class Artifact:
        cached_path = None
        tries = 0

        def resolve(self) -> Path:
            self.tries += 1
            if self.tries == 1:
                raise ConnectionError("cut off")
            return Path("there.jar")

    artifact: Any = Artifact()
    with stamina.set_testing(True, attempts=2):
        assert jars.resolve(artifact) == Path("there.jar")
