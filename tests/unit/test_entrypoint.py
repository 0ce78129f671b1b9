"""Law: what a container writes belongs to the person who owns data/delta, and nothing of ours runs as root."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import entrypoint
from lakehouse.settings import ROOT

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives folders away")
PASSWD = "root:x:0:0:root:/root:/bin/bash\nlakehouse:x:10001:10001::/home/lakehouse:/bin/sh\n"


@needs_root
@pytest.mark.parametrize(("owned_by", "expected"), [((1001, 1002), (1001, 1002)), ((0, 0), (10001, 10001))])
def test_the_owner_is_taken_and_root_never(
    tmp_path: Path, owned_by: tuple[int, int], expected: tuple[int, int]
) -> None:
    os.chown(tmp_path, *owned_by)
    assert entrypoint.owner(tmp_path) == expected


@pytest.mark.parametrize(("uid", "lines"), [(10001, 2), (1001, 3)])
def test_a_uid_has_one_line_in_passwd(tmp_path: Path, uid: int, lines: int) -> None:
    passwd = tmp_path / "passwd"
    passwd.write_text(PASSWD, encoding="utf-8")
    for _ in range(2):
        entrypoint.name(uid, uid, passwd)
    found = passwd.read_text(encoding="utf-8").splitlines()
    assert len(found) == lines
    assert [line for line in found if f":{uid}:{uid}:" in line] == found[lines - 1 :]


@needs_root
def test_folders_that_the_engine_made_as_root_become_the_owners_and_no_others(tmp_path: Path) -> None:
    (tmp_path / "gold").mkdir()
    (tmp_path / "silver").mkdir()
    os.chown(tmp_path / "silver", 7, 7)
    entrypoint.hand_over(entrypoint.make(tmp_path), 1001, 1001)
    owners = {str(folder.relative_to(tmp_path)): folder.stat().st_uid for folder in tmp_path.rglob("*")}
    assert owners == {"bronze": 1001, "bronze/strava_activities": 1001, "silver": 7, "gold": 1001}
    entrypoint.make(tmp_path)  # a second start finds them


@needs_root
def test_a_person_without_rights_is_left_with_none() -> None:
    say = "import os, entrypoint; entrypoint.drop(1001, 1002); print(os.getresuid(), os.getresgid(), os.getgroups())"
    done = subprocess.run([sys.executable, "-c", say], cwd=ROOT / "scripts", capture_output=True, text=True, check=True)
    assert done.stdout == "(1001, 1001, 1001) (1002, 1002, 1002) []\n"


@pytest.mark.parametrize(("command", "says"), [([], "no command"), (["nowhere-to-be-found"], "nowhere-to-be-found")])
def test_a_command_that_is_none_is_an_error_that_says_so(command: list[str], says: str) -> None:
    run_as_it_is = (
        f"import os, entrypoint; os.geteuid = lambda: 1; entrypoint.sys.argv[1:] = {command}; entrypoint.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", run_as_it_is], cwd=ROOT / "scripts", capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert says in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("uid_map", "root_outside"),
    [
        ("         0          0 4294967295\n", True),
        ("         0       1000          1\n         1     100000      65536\n", False),
    ],
)
def test_a_person_who_is_root_in_here_only_is_not_taken_for_root(uid_map: str, root_outside: bool) -> None:
    assert entrypoint.is_root_outside(uid_map) is root_outside


def test_a_folder_is_mounted_whatever_its_device() -> None:
    mountinfo = (
        "29 1 8:1 / / rw - ext4 /dev/sda1 rw\n31 29 8:1 /home/me/data/delta /data/delta rw - ext4 /dev/sda1 rw\n"
    )
    assert entrypoint.mounted(mountinfo) == {Path("/"), Path("/data/delta")}


@needs_root
def test_all_of_it_as_the_owner_of_the_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake, output, home, passwd = (tmp_path / name for name in ("lake", "output", "home", "passwd"))
    for folder in (lake, output, home):
        folder.mkdir()
    os.chown(lake, 1001, 1002)
    passwd.write_text(PASSWD, encoding="utf-8")
    dropped: list[tuple[int, int]] = []
    for name, value in {"LAKE": lake, "OUTPUT": output, "HOME": home, "PASSWD": passwd}.items():
        monkeypatch.setattr(entrypoint, name, value)
    monkeypatch.setattr(entrypoint, "drop", lambda uid, gid: dropped.append((uid, gid)))
    entrypoint.become_the_owner({lake, output})
    assert dropped == [(1001, 1002)]
    assert {path.stat().st_uid for path in (lake, output, home, *lake.rglob("*"))} == {1001}
    assert "lakehouse-1001:x:1001:1002:" in passwd.read_text(encoding="utf-8")


def test_it_needs_nothing_but_python() -> None:
    bare = [sys.executable, "-S", "-c", "import entrypoint"]
    subprocess.run(bare, cwd=ROOT / "scripts", check=True)
