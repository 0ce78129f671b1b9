"""Law: in containers, the Thrift server's user reads Gold and one Bronze table, nothing else, and others nothing."""

import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from lakehouse.settings import ROOT
from support.container import CAPABILITIES, USER_OUTSIDE, Container, passable_folder

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can run commands as several users")
WRITER, WRITER_GROUP, THRIFT, STRANGER = 1001, 1002, 10001, 1003
SHARED = ("gold", "bronze/strava_activities")
# Hadoop sets a folder's mode after it has created it, by chmod.
WRITE = """
for table in gold bronze/strava_activities bronze/rh_employees silver; do
  mkdir -p "$1/$table/part/_delta_log"
  chmod 0750 "$1/$table/part/_delta_log"
  echo x >"$1/$table/part/_delta_log/0.json"
  echo x >"$1/$table/part/.hidden"
  mv "$1/$table/part/.hidden" "$1/$table/part/data.parquet"
done
"""


@pytest.fixture
def container() -> Iterator[Container]:
    with passable_folder() as folder:
        container = Container(folder)
        os.chown(container.lake, WRITER, WRITER_GROUP)
        yield container


def _write(container: Container) -> None:
    """Write tables as the pipeline and the stream do."""
    completed = container.run("sh", "-c", WRITE, "sh", str(container.lake))
    assert (completed.returncode, completed.stderr) == (0, "")


def _write_as_before(container: Container) -> None:
    """Write tables as an earlier version did: under another umask, and with no group in common."""
    as_writer = ["setpriv", f"--reuid={WRITER}", f"--regid={WRITER_GROUP}", "--clear-groups"]
    subprocess.run([*as_writer, "sh", "-c", WRITE, "sh", container.lake], check=True, umask=0o022)


def _readable(folder: Path, uid: int, gid: int | None = None) -> list[str]:
    """Return the files that a user can read of a folder that its container has mounted, whatever lies above."""
    mode = ["setpriv", f"--reuid={uid}", f"--regid={gid or uid}", "--clear-groups"]
    read = "find . -type f -exec cat {} + >/dev/null 2>&1 && find . -type f 2>/dev/null"
    found = subprocess.run([*mode, "sh", "-c", read], cwd=folder, check=False, capture_output=True, text=True)
    return sorted(Path(line).name for line in found.stdout.splitlines())


def _assert_doors(container: Container) -> None:
    for name in SHARED:
        assert _readable(container.lake / name, THRIFT) == ["0.json", "data.parquet"]
        assert _readable(container.lake / name, STRANGER) == []
        assert _readable(container.lake / name, STRANGER, WRITER_GROUP) == []
    for name in ("silver", "bronze"):
        for uid, gid in ((THRIFT, THRIFT), (STRANGER, STRANGER), (STRANGER, WRITER_GROUP)):
            assert _readable(container.lake / name, uid, gid) == []
    assert _open_to_others(container) == []


def _open_to_others(container: Container) -> list[str]:
    paths = [container.lake, *container.lake.rglob("*"), container.folder / "output"]
    return sorted(str(path) for path in paths if not path.is_symlink() and path.stat().st_mode & stat.S_IRWXO)


def _mode(path: Path) -> tuple[int, int]:
    return path.stat().st_gid, stat.S_IMODE(path.stat().st_mode)


def test_thrift_server_reads_what_is_shared_and_a_stranger_reads_nothing(container: Container) -> None:
    _write(container)
    _assert_doors(container)
    assert _mode(container.lake / "gold" / "part" / "_delta_log") == (THRIFT, 0o2750)
    assert _mode(container.lake / "gold" / "part" / "data.parquet") == (THRIFT, 0o640)
    assert {_mode(container.lake / name)[1] for name in ("bronze", "silver")} == {0o700}


def test_nobody_but_the_owner_can_write_into_what_is_shared(container: Container) -> None:
    _write(container)
    as_thrift = ["setpriv", f"--reuid={THRIFT}", f"--regid={THRIFT}", "--clear-groups"]
    for path in ("new", "part/new", "part/data.parquet", "part/_delta_log/1.json"):
        append = [*as_thrift, "sh", "-c", 'echo x >>"$1" 2>/dev/null', "sh", path]
        assert subprocess.run(append, cwd=container.lake / "gold", check=False, capture_output=True).returncode != 0


def test_lake_of_an_earlier_version_is_brought_to_the_same_modes(container: Container) -> None:
    _write_as_before(container)
    assert _open_to_others(container)
    assert container.run("true").returncode == 0
    _assert_doors(container)
    _write(container)
    _assert_doors(container)


@pytest.mark.parametrize("mode", [0o755, 0o2755, 0o750, 0o700, 0o770])
def test_interrupted_walk_is_repeated_by_the_next_start(container: Container, mode: int) -> None:
    _write(container)
    for name in SHARED:
        for path in (container.lake / name).rglob("*"):
            os.chown(path, WRITER, WRITER_GROUP)
            path.chmod(0o600 if path.is_file() else 0o700)
        (container.lake / name).chmod(mode)
    assert container.run("true").returncode == 0
    _assert_doors(container)


def test_history_is_walked_once(container: Container) -> None:
    _write(container)
    files = [container.lake / name / "part" / "data.parquet" for name in (*SHARED, "silver")]
    for file in files:
        file.chmod(0o604)
    assert container.run("true").returncode == 0
    assert {_mode(file)[1] for file in files} == {0o604}


def test_lake_that_a_rootless_engine_wrote_is_shared_by_the_other_engine(container: Container) -> None:
    _write(container)
    assert container.run("true", uid_map=USER_OUTSIDE).returncode == 0
    assert {_mode(container.lake / name)[1] for name in SHARED} == {0o700}
    for file in (container.lake / "gold").rglob("*.parquet"):
        file.chmod(0o600)
    _write(container)
    _assert_doors(container)


def test_what_a_link_names_and_what_another_user_owns_stay_as_they_are(container: Container) -> None:
    outside = container.folder / "outside"
    outside.write_text("x")
    outside.chmod(0o604)
    _write_as_before(container)
    (container.lake / "gold" / "link").symlink_to(outside)
    foreign = container.lake / "gold" / "part" / "foreign"
    foreign.write_text("x")
    foreign.chmod(0o640)
    os.chown(outside, WRITER, WRITER_GROUP)
    os.chown(foreign, 7, 7)
    assert container.run("true").returncode == 0
    assert (_mode(outside), _mode(foreign)) == ((WRITER_GROUP, 0o604), (7, 0o640))


def test_lake_of_roots_is_handed_over_with_the_same_doors(container: Container) -> None:
    os.chown(container.lake, 0, 0)
    for _ in range(2):
        _write(container)
    assert _readable(container.lake / "gold", STRANGER) == _readable(container.lake / "silver", STRANGER) == []
    assert _readable(container.lake / "gold", THRIFT) == ["0.json", "data.parquet"]
    assert _open_to_others(container) == []


def test_only_who_writes_the_lake_leaves_the_group_its_bit(container: Container) -> None:
    umask = 'umask; echo "${LAKEHOUSE_GROUP_READS:-}"'
    assert container.run("sh", "-c", umask).stdout.split() == ["0027", "yes"]
    assert container.run("sh", "-c", umask, "thrift", mounts=("login",)).stdout.split() == ["0077"]
    assert container.run("sh", "-c", umask, "scripts/Jobs_Spark/thrift_users.py").stdout.split() == ["0077"]


def test_these_tests_have_the_capabilities_of_a_container() -> None:
    services = YAML(typ="safe").load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    ours = [service for service in services.values() if "build" in service and "entrypoint" not in service]
    assert {tuple(service["cap_add"]) for service in ours} == {CAPABILITIES}
