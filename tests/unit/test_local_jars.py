"""Law: a jar equals its lock to the byte, or it is an error that names it."""

import hashlib
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import stamina

from lakehouse.errors import LakehouseError
from lakehouse.local import jar_check, jars

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


def test_copy_that_differs_from_its_lock_is_not_put_on_the_class_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def download(wanted: set[jars.Jar], folder: Path) -> None:
        folder.mkdir()
        for jar in wanted:
            (folder / jar.name).write_bytes(b"the jar")

    def copy_half(source: Path, target: Path) -> None:
        target.write_bytes(source.read_bytes()[:3])

    monkeypatch.setattr(shutil, "copyfile", copy_half)
    with pytest.raises(LakehouseError, match=r"org\.example:tool:1\.0: its SHA-256 is"):
        jars.fetch(tmp_path, _write_lock(tmp_path), download)
    assert [*(tmp_path / "set").iterdir()] == []


def _install(folder: Path) -> None:
    (folder / "set").mkdir()
    (folder / "spark").mkdir()
    (folder / "set" / JAR.name).write_bytes(b"the jar")
    own = folder / "spark" / "lakehouse-0123456789ab.jar"
    own.write_bytes(b"compiled from spark/java")
    jar_check.write_own_sums(folder, [own])


def test_installed_jars_that_equal_their_locks_are_right(tmp_path: Path) -> None:
    _install(tmp_path)
    (tmp_path / "empty.lock").touch()
    locks = {**_write_lock(tmp_path), "spark": tmp_path / "empty.lock"}
    assert jar_check.find_wrong_jars(tmp_path, locks) == []


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        (f"set/{JAR.name}", b"the j", "has another SHA-256"),
        (f"set/{JAR.name}", b"THE JAR", "has another SHA-256"),
        (f"set/{JAR.name}", b"", "has another SHA-256"),
        (f"set/{JAR.name}", None, "is not there"),
        ("set/other-2.0.jar", b"on the class path", "is of no lock file"),
        ("set/tool-1.0.part", b"the j", "is of no lock file"),
        ("spark/lakehouse-0123456789ab.jar", b"compiled elsewhere", "has another SHA-256"),
        ("spark/lakehouse-0123456789ab.jar", None, "is not there"),
        ("spark/lakehouse-ba9876543210.jar", b"compiled elsewhere", "is of no lock file"),
    ],
)
def test_truncated_replaced_missing_or_additional_jar_is_found_where_it_is(
    tmp_path: Path, name: str, content: bytes | None, problem: str
) -> None:
    _install(tmp_path)
    (tmp_path / "empty.lock").touch()
    path = tmp_path / name
    before = path.stat() if path.exists() else None
    path.unlink(missing_ok=True)
    if content is not None:
        path.write_bytes(content)
        if before:
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    [line] = jar_check.find_wrong_jars(tmp_path, {**_write_lock(tmp_path), "spark": tmp_path / "empty.lock"})
    assert line.startswith(f"{path} {problem}")
    jar_check.delete_wrong_own_jars(tmp_path)
    assert path.exists() == (content is not None and not name.startswith("spark"))


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
