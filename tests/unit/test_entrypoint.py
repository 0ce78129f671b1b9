"""Law: what a container writes belongs to the owner of data/delta, and none of our code runs as root."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import entrypoint
from lakehouse.settings import ROOT

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can change a folder's owner")
PASSWD = "root:x:0:0:root:/root:/bin/bash\nlakehouse:x:10001:10001::/home/lakehouse:/bin/sh\n"


@needs_root
@pytest.mark.parametrize(("owned_by", "expected"), [((1001, 1002), (1001, 1002)), ((0, 0), (10001, 10001))])
def test_entrypoint_takes_the_folder_owner_unless_it_is_root(
    tmp_path: Path, owned_by: tuple[int, int], expected: tuple[int, int]
) -> None:
    os.chown(tmp_path, *owned_by)
    assert entrypoint.owner(tmp_path) == expected


@pytest.mark.parametrize(("uid", "lines"), [(10001, 2), (1001, 3)])
def test_a_uid_has_one_line_in_passwd(tmp_path: Path, uid: int, lines: int) -> None:
    passwd = tmp_path / "passwd"
    passwd.write_text(PASSWD, encoding="utf-8")
    for _ in range(2):
        entrypoint.add_passwd_entry(uid, uid, passwd)
    entries = passwd.read_text(encoding="utf-8").splitlines()
    assert len(entries) == lines
    assert [line for line in entries if f":{uid}:{uid}:" in line] == entries[lines - 1 :]


@needs_root
def test_folders_created_as_root_are_handed_to_the_owner_and_no_others(tmp_path: Path) -> None:
    (tmp_path / "gold").mkdir()
    (tmp_path / "silver").mkdir()
    os.chown(tmp_path / "silver", 7, 7)
    entrypoint.chown_roots_folders(entrypoint.create_lake_folders(tmp_path), 1001, 1001)
    owners = {str(folder.relative_to(tmp_path)): folder.stat().st_uid for folder in tmp_path.rglob("*")}
    assert owners == {"bronze": 1001, "bronze/strava_activities": 1001, "silver": 7, "gold": 1001}
    entrypoint.create_lake_folders(tmp_path)  # a second start finds the folders


@needs_root
def test_dropping_privileges_changes_uid_and_gid_and_clears_groups() -> None:
    program = """
import os, entrypoint
entrypoint.drop_privileges(1001, 1002)
print(os.getresuid(), os.getresgid(), os.getgroups())
"""
    completed = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT / "scripts", capture_output=True, text=True, check=True
    )
    assert completed.stdout == "(1001, 1001, 1001) (1002, 1002, 1002) []\n"


@pytest.mark.parametrize(("command", "message"), [([], "no command"), (["nowhere-to-be-found"], "nowhere-to-be-found")])
def test_missing_or_unknown_command_is_an_error_without_a_traceback(command: list[str], message: str) -> None:
    program = f"import os, entrypoint; os.geteuid = lambda: 1; entrypoint.sys.argv[1:] = {command}; entrypoint.main()"
    completed = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT / "scripts", capture_output=True, text=True, check=False
    )
    assert completed.returncode == 1
    assert message in completed.stderr
    assert "Traceback" not in completed.stderr


@pytest.mark.parametrize(
    ("uid_map", "root_outside"),
    [
        ("         0          0 4294967295\n", True),
        ("         0       1000          1\n         1     100000      65536\n", False),
    ],
)
def test_root_of_a_user_namespace_is_not_root_outside(uid_map: str, root_outside: bool) -> None:
    assert entrypoint.is_root_outside(uid_map) is root_outside


def test_mount_points_are_parsed_from_mountinfo() -> None:
    mountinfo = (
        "29 1 8:1 / / rw - ext4 /dev/sda1 rw\n31 29 8:1 /home/me/data/delta /data/delta rw - ext4 /dev/sda1 rw\n"
    )
    assert entrypoint.mount_points(mountinfo) == {Path("/"), Path("/data/delta")}


@needs_root
def test_entrypoint_becomes_the_lake_owner_and_hands_over_all_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake, output, home, passwd = (tmp_path / name for name in ("lake", "output", "home", "passwd"))
    for folder in (lake, output, home):
        folder.mkdir()
    os.chown(lake, 1001, 1002)
    passwd.write_text(PASSWD, encoding="utf-8")
    dropped: list[tuple[int, int]] = []
    for name, value in {"LAKE": lake, "OUTPUT": output, "HOME": home, "PASSWD": passwd}.items():
        monkeypatch.setattr(entrypoint, name, value)
    monkeypatch.setattr(entrypoint, "drop_privileges", lambda uid, gid: dropped.append((uid, gid)))
    entrypoint.switch_to_lake_owner({lake, output})
    assert dropped == [(1001, 1002)]
    assert {path.stat().st_uid for path in (lake, output, home, *lake.rglob("*"))} == {1001}
    assert "lakehouse-1001:x:1001:1002:" in passwd.read_text(encoding="utf-8")


def test_entrypoint_imports_only_the_standard_library() -> None:
    bare = [sys.executable, "-S", "-c", "import entrypoint"]
    subprocess.run(bare, cwd=ROOT / "scripts", check=True)
