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


def test_it_needs_nothing_but_python() -> None:
    bare = [sys.executable, "-S", "-c", "import entrypoint"]
    subprocess.run(bare, cwd=ROOT / "scripts", check=True)
