"""Law: other users of the machine can read nothing that this system writes."""

import ast
import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lakehouse.local import preflight
from lakehouse.local.postgres_server import let_group_enter
from lakehouse.local.supervisor import render
from lakehouse.private_file import GROUP_READS_VAR, PRIVATE_UMASK, close_to_others
from lakehouse.settings import ROOT, Settings
from lakehouse.spark import session
from support.container import passable_folder

PROGRAM = """
import os, pathlib, subprocess
from lakehouse.errors import run
def main():
    pathlib.Path("file").write_text("")
    pathlib.Path("folder").mkdir()
    subprocess.run(["sh", "-c", "echo >child; mkdir -p of/child"], check=True)
run(main)
"""
MODE_CALLS = frozenset({"chmod", "mkdir", "touch", "open", "makedirs"})
# Another user than ours has to read this copy of Postgres, in the machine's temporary folder.
READ_BY_POSTGRES = ("scripts/lakehouse/local/postgres_server.py", 0o755)


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def _open_to_others(folder: Path) -> list[str]:
    """Return what `find FOLDER -perm /o+rwx` prints, links aside."""
    paths = [folder, *folder.rglob("*")]
    return sorted(path.name for path in paths if not path.is_symlink() and _mode(path) & stat.S_IRWXO)


def test_program_and_its_children_write_for_their_owner_only(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    subprocess.run([sys.executable, "-c", PROGRAM], cwd=tmp_path, check=True, umask=0)
    assert {path.name for path in tmp_path.iterdir()} == {"file", "folder", "child", "of"}
    assert _open_to_others(tmp_path) == []


@pytest.mark.parametrize(
    "path",
    [*(ROOT / "scripts" / "Jobs_Spark").glob("[a-z]*.py"), *(ROOT / "scripts" / "ETL_Full_Load").glob("[a-z]*.py")],
)
def test_entry_point_runs_under_the_private_umask(path: Path) -> None:
    assert re.search(r"^    run\(main", path.read_text(encoding="utf-8"), re.MULTILINE), "the call sets the umask"


def test_supervised_services_have_the_private_umask() -> None:
    assert "umask = 077\n" in render((), Path("/run"), Path("/logs"), 1, "x")
    assert PRIVATE_UMASK == 0o077


def test_program_of_a_container_that_writes_the_lake_lets_the_group_read(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    environment = {**os.environ, GROUP_READS_VAR: "yes"}
    subprocess.run([sys.executable, "-c", PROGRAM], cwd=tmp_path, check=True, umask=0, env=environment)
    modes = {str(path.relative_to(tmp_path)): _mode(path) for path in tmp_path.rglob("*")}
    assert modes == {"file": 0o640, "child": 0o640, "folder": 0o750, "of": 0o750, "of/child": 0o750}


def test_hadoop_sets_modes_by_the_same_umask(monkeypatch: pytest.MonkeyPatch) -> None:
    for value, umask in {"": "077", "yes": "027"}.items():
        monkeypatch.setenv(GROUP_READS_VAR, value)
        assert {session.conf(Settings(), job)[session.HADOOP_UMASK] for job in ("stream", "refresh")} == {umask}
    conf = (ROOT / "spark" / "spark-defaults.conf").read_text(encoding="utf-8")
    assert re.search(r"^spark\.hadoop\.fs\.permissions\.umask-mode +077$", conf, re.MULTILINE)


def test_older_files_are_closed_and_what_a_link_names_is_not(tmp_path: Path) -> None:
    outside, home = tmp_path / "outside", tmp_path / "home"
    for folder in (outside, home / "postgres" / "data"):
        folder.mkdir(parents=True)
        folder.chmod(0o777)
    (outside / "file").touch()
    (outside / "file").chmod(0o644)
    for name, mode in {"a": 0o644, "b": 0o755, ".hidden": 0o604, "c": 0o2751, "d": 0o600}.items():
        (home / name).touch()
        (home / name).chmod(mode)
    (home / "link").symlink_to(outside)
    (home / "broken").symlink_to(home / "absent")
    close_to_others((home, tmp_path / "absent", home / "link"))
    assert _open_to_others(home) == []
    assert [_mode(home / name) for name in ("a", "b", ".hidden", "c", "d")] == [0o640, 0o750, 0o600, 0o2750, 0o600]
    assert (_mode(outside), _mode(outside / "file")) == (0o777, 0o644)


def test_group_may_pass_through_a_closed_folder_and_not_list_it(tmp_path: Path) -> None:
    folders = [tmp_path / "home", tmp_path / "home" / "postgres"]
    for folder in folders:
        folder.mkdir(mode=0o700)
    let_group_enter(folders, os.getegid())
    assert [(_mode(folder), folder.stat().st_gid) for folder in folders] == [(0o710, os.getegid())] * 2


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run a command as another user")
def test_postgres_user_reaches_its_folder_and_another_user_does_not() -> None:
    postgres, other = 65534, 65533
    with passable_folder() as folder:
        home = folder / "home"
        data = home / "postgres" / "data"
        data.mkdir(parents=True)
        os.chown(data, postgres, postgres)
        close_to_others((home,))
        data.chmod(0o700)
        let_group_enter((home, home / "postgres"), postgres)
        reached = {
            uid: subprocess.run(
                ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "ls", str(path)],
                check=False,
                capture_output=True,
            ).returncode
            == 0
            for uid, path in ((postgres, data), (other, data))
        }
        assert reached == {postgres: True, other: False}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run a command as another user")
def test_another_user_of_the_machine_reaches_nothing_in_a_checkout_that_everybody_may_enter() -> None:
    as_other = ["setpriv", "--reuid=65533", "--regid=65533", "--clear-groups"]
    find = [*as_other, "find", ".local", "data", ".env", "(", "-readable", "-o", "-writable", ")"]
    files = {".local/run/secrets/db-password", "data/delta/gold/t/part", "data/output/rh.csv", "data/input/RH.csv"}
    with passable_folder() as checkout:
        for name in files:
            (checkout / name).parent.mkdir(parents=True, exist_ok=True)
            (checkout / name).write_text("1\n", encoding="utf-8")
        _write_env(checkout, 0o600)
        for path in (checkout / ".local", checkout / "data", *checkout.rglob("*/*")):
            path.chmod(0o777 if path.is_dir() else 0o666)
        opened = subprocess.run(find, cwd=checkout, capture_output=True, text=True, check=False)
        assert files < {*opened.stdout.split()}
        close_to_others((checkout / ".local", checkout / "data"))
        closed = subprocess.run(find, cwd=checkout, capture_output=True, text=True, check=False)
        assert closed.stdout == ""


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o640, 0o660])
def test_env_file_closed_to_others_passes(tmp_path: Path, mode: int) -> None:
    _write_env(tmp_path, mode)
    assert preflight.check_env_file(tmp_path).is_ok


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o666, 0o602, 0o601, 0o777, 0o444])
def test_env_file_that_others_can_read_is_refused_with_the_command(tmp_path: Path, mode: int) -> None:
    _write_env(tmp_path, mode)
    check = preflight.check_env_file(tmp_path)
    assert (check.is_ok, check.found, check.remedy) == (False, f"mode {mode:03o}", "chmod 600 .env")
    assert check in preflight.host_checks(tmp_path, "3.10", None, None)


def test_env_file_behind_a_link_is_judged_and_an_absent_one_passes(tmp_path: Path) -> None:
    assert preflight.check_env_file(tmp_path).is_ok
    _write_env(tmp_path, 0o644).rename(tmp_path / "settings")
    (tmp_path / ".env").symlink_to("settings")
    assert not preflight.check_env_file(tmp_path).is_ok


def test_lock_of_an_installation_is_private_whatever_the_umask(tmp_path: Path) -> None:
    lock = tmp_path / "home" / "install.lock"
    code = """if True:
        import pathlib, sys
        from lakehouse.local.install_lock import run_locked
        run_locked(pathlib.Path(sys.argv[1]), ["true"])"""
    subprocess.run([sys.executable, "-c", code, str(lock)], check=True, umask=0)
    assert (_mode(lock), _mode(lock.parent)) == (0o600, 0o700)


def test_no_mode_in_the_code_has_a_bit_for_others() -> None:
    found = [
        (str(path.relative_to(ROOT)), mode)
        for path in (ROOT / "scripts").rglob("*.py")
        for mode in _modes(ast.parse(path.read_text(encoding="utf-8")))
        if mode & stat.S_IRWXO
    ]
    assert found == [READ_BY_POSTGRES]


def test_recipes_write_below_local_under_the_private_umask() -> None:
    recipes = re.findall(r"^\t(.*(?:\n?(?<=\\\n).*)*)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    writing = [line for line in recipes if re.search(r"(mkdir|touch|venv|install).*\.local/|touch \$@", line)]
    ours = [line for line in writing if ".local" in line and "TMPDIR" not in line]
    assert len(ours) >= 2
    assert [line for line in ours if "umask 077" not in line] == []


def _write_env(folder: Path, mode: int) -> Path:
    file = folder / ".env"
    file.write_text("DB_PORT=5432\n", encoding="utf-8")
    file.chmod(mode)
    return file


def _modes(tree: ast.AST) -> Iterator[int]:
    """Yield the modes that a module's calls state: of chmod and the like, the whole numbers among the arguments."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in MODE_CALLS:
                values = [*node.args, *(keyword.value for keyword in node.keywords if keyword.arg == "mode")]
                yield from (
                    value.value for value in values if isinstance(value, ast.Constant) and type(value.value) is int
                )
