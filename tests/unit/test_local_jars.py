"""Law: a jar is what its lock says, to the byte, or it is an error that names it."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
import stamina

from lakehouse.errors import LakehouseError
from lakehouse.local import jars

JAR = jars.Jar("org.example", "tool", "1.0", hashlib.sha256(b"the jar").hexdigest())
LINE = f"org.example:tool:1.0 sha256:{JAR.sha256}\n"


def _lock(folder: Path) -> dict[str, Path]:
    lock = folder / "jars.lock"
    lock.write_text(f"# why\n\n{LINE}", encoding="utf-8")
    return {"set": lock}


def test_a_lock_names_its_jars() -> None:
    assert jars.read_lock(f"# why\n\n{LINE}") == [JAR]


@pytest.mark.parametrize("line", ["org.example:tool:1.0", "tool:1.0 sha256:00", "a:b:c md5:00"])
def test_a_line_that_names_no_jar_is_an_error_that_shows_it(line: str) -> None:
    with pytest.raises(LakehouseError, match=line):
        jars.read_lock(line)


@pytest.mark.parametrize("name", jars.LOCKS)
def test_every_lock_can_be_read_and_names_nothing_twice(name: str) -> None:
    names = [jar.name for jar in jars.read_lock(jars.LOCKS[name].read_text(encoding="utf-8"))]
    assert names
    assert len(names) == len(set(names))


def test_other_bytes_are_refused_by_name_and_deleted(tmp_path: Path) -> None:
    path = tmp_path / JAR.name
    path.write_bytes(b"another jar")
    with pytest.raises(LakehouseError, match=r"org\.example:tool:1\.0"):
        jars.require(path, JAR)
    assert not path.exists()


def test_what_is_whole_is_not_fetched_again_and_a_stranger_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jars, "_download_all", lambda *_: pytest.fail("fetched again"))
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / JAR.name).write_bytes(b"the jar")
    (folder / "tool-0.9.jar").write_bytes(b"of an older lock")
    jars.fetch(tmp_path, _lock(tmp_path))
    assert [path.name for path in folder.iterdir()] == [JAR.name]


def test_a_half_written_jar_is_fetched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def download_all(wanted: set[jars.Jar], folder: Path) -> None:
        folder.mkdir()
        for jar in wanted:
            (folder / jar.name).write_bytes(b"the jar")

    monkeypatch.setattr(jars, "_download_all", download_all)
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / JAR.name).write_bytes(b"the j")
    jars.fetch(tmp_path, _lock(tmp_path))
    assert (tmp_path / "set" / JAR.name).read_bytes() == b"the jar"


def test_a_download_that_is_cut_off_is_tried_again() -> None:
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
        assert jars._resolve(artifact) == Path("there.jar")
