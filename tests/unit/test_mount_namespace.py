"""Law: of what is ours, the Thrift server sees what it serves and runs on, where the machine allows a namespace."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lakehouse.local import thrift
from lakehouse.local.mount_namespace import View, build_prefix, find_obstacle, is_in_own_namespace, namespace_prefix
from lakehouse.local.service_addresses import on_free_ports
from lakehouse.settings import ROOT, Settings
from support.container import passable_folder

ANOTHER_UID = 65533
UIDS = [os.geteuid(), *([ANOTHER_UID] if os.geteuid() == 0 else [])]
needs_namespaces = pytest.mark.skipif(find_obstacle() != "", reason=f"mount namespaces: {find_obstacle()}")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can run a command as another user")
WAYS_OUT = {
    "read a hidden file": 'cat "$HOME_DIR/.env"',
    "read another table": 'ls "$HOME_DIR/lake/silver" "$HOME_DIR/lake/bronze/rh_employees"',
    "climb from where it runs": "cat ../.env",
    "write to a table": 'touch "$HOME_DIR/lake/gold/x"',
    "write between the tables": 'touch "$HOME_DIR/lake/x"',
    "write over what hides": 'touch "$HOME_DIR/.env"',
    "take away what hides": 'umount "$HOME_DIR" || umount --lazy "$HOME_DIR"',
    "mount for writing": 'mount -o remount,bind,rw "$HOME_DIR/lake/gold"',
    "open another namespace and take it away there": 'unshare --user --map-root-user --mount umount "$HOME_DIR"',
    "look through another process": 'cat "/proc/$OUTSIDE/root$HOME_DIR/.env"',
    "enter another process's namespace": 'nsenter --target "$OUTSIDE" --mount cat "$HOME_DIR/.env"',
    "look at the stage": 'cat "/sys$HOME_DIR/.env"',
}
ALLOWED_OUTSIDE = ("read a hidden file", "read another table", "look through another process")


@pytest.fixture
def home() -> Iterator[Path]:
    """Yield a folder as a checkout may be called, with tables, a secret and a file that is served."""
    with passable_folder() as folder:
        home = folder.resolve() / "it's a « checkout » $HOME; #1 100%"
        for name in ("lake/gold/t", "lake/silver", "lake/bronze/rh_employees", "users"):
            (home / name).mkdir(parents=True)
        (home / ".env").write_text("SECRET=1\n", encoding="utf-8")
        (home / "users" / "file").write_text("marie\n", encoding="utf-8")
        yield home


def _view(home: Path) -> View:
    read = (home / "lake" / "gold", home / "lake" / "bronze" / "strava_activities")
    files = (home / "tls" / "absent.p12", home / "tls" / "a.p12")
    return View((home, home / "lake"), read, (home / "users", home / "own"), files)


def _as_user(uid: int, home: Path) -> tuple[str, ...]:
    """Return the prefix of a command of a user who owns all of `home`."""
    if uid == os.geteuid():
        return ()
    for path in (home, *home.rglob("*")):
        os.chown(path, uid, uid)
    return ("setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups")


def _in_view(uid: int, home: Path) -> tuple[str, ...]:
    return (*_as_user(uid, home), *build_prefix(_view(home), uid, os.getegid() if uid == os.geteuid() else uid))


def _run(command: tuple[str, ...], home: Path, script: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "HOME_DIR": str(home), **variables}
    return subprocess.run(
        [*command, "sh", "-c", script], env=environment, capture_output=True, text=True, check=False, cwd=home / "users"
    )


@needs_namespaces
@pytest.mark.parametrize("uid", UIDS)
def test_process_sees_what_it_is_given_and_nothing_else(home: Path, uid: int) -> None:
    (home / "tls").mkdir()
    (home / "tls" / "a.p12").write_text("certificate", encoding="utf-8")
    (home / "tls" / "key.pem").write_text("key", encoding="utf-8")
    result = _run(_in_view(uid, home), home, 'find "$HOME_DIR" -mindepth 1; id -u; pwd; touch made; ls /sys')
    assert result.returncode == 0, result.stderr
    *lines, user, folder = result.stdout.split("\nblock")[0].split("\n")
    assert {str(Path(line).relative_to(home)) for line in lines} == {
        *("lake", "lake/gold", "lake/gold/t", "lake/bronze", "lake/bronze/strava_activities"),
        *("users", "users/file", "own", "tls", "tls/a.p12"),
    }
    assert (user, folder) == (str(uid), str(home / "own"))
    assert (home / "own" / "made").stat().st_uid == uid
    created = (home / "own", home / "lake" / "bronze" / "strava_activities")
    assert [path.stat().st_mode & 0o777 for path in created] == [0o700, 0o700]


@needs_namespaces
@pytest.mark.parametrize("uid", UIDS)
@pytest.mark.parametrize("way", WAYS_OUT)
def test_there_is_no_way_to_what_is_hidden(home: Path, way: str, uid: int) -> None:
    script, user = WAYS_OUT[way], _as_user(uid, home)
    with subprocess.Popen([*user, "sh", "-c", "echo; exec sleep 60"], stdout=-1) as outside:
        try:
            assert outside.stdout
            outside.stdout.readline()
            pid = str(outside.pid)
            if way in ALLOWED_OUTSIDE:
                assert _run(user, home, script, OUTSIDE=pid).returncode == 0
            result = _run(_in_view(uid, home), home, script, OUTSIDE=pid)
        finally:
            outside.kill()
    assert (result.returncode != 0, result.stdout) == (True, "")
    assert {path.name for path in (home / "lake" / "gold").iterdir()} == {"t"}
    assert (home / ".env").read_text(encoding="utf-8") == "SECRET=1\n"


@needs_namespaces
@pytest.mark.parametrize("uid", UIDS)
def test_what_others_write_again_meanwhile_is_visible(home: Path, uid: int) -> None:
    script = (
        'echo ready; read go; ls "$HOME_DIR/lake/gold" "$HOME_DIR/lake/bronze/strava_activities"; cat ../users/file'
    )
    environment = {**os.environ, "HOME_DIR": str(home)}
    command = [*_in_view(uid, home), "sh", "-c", script]
    with subprocess.Popen(command, env=environment, stdin=-1, stdout=-1, text=True) as process:
        assert process.stdin
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        (home / "lake" / "gold" / "t").rmdir()
        for name in ("gold/t2", "gold/t", "bronze/strava_activities/_delta_log"):
            (home / "lake" / name).mkdir(mode=0o755)
        new = home / "users" / "new"
        new.write_text("paul\n", encoding="utf-8")
        new.chmod(0o644)  # another user reads it, whatever the umask is here
        new.replace(home / "users" / "file")
        process.stdin.write("go\n")
        process.stdin.flush()
        words = process.stdout.read().split("\n")
    assert {"t", "t2", "_delta_log", "paul"} <= {*words}


@needs_namespaces
@pytest.mark.parametrize("uid", UIDS)
@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_signal_reaches_the_service_and_neither_process_nor_mount_is_left(
    home: Path, uid: int, stop: signal.Signals
) -> None:
    mounts = Path("/proc/self/mountinfo").read_bytes()
    command = [*_in_view(uid, home), "sh", "-c", "echo $$; exec sleep 60"]
    with subprocess.Popen(command, stdout=-1, text=True, start_new_session=True) as process:
        assert process.stdout
        assert int(process.stdout.readline()) == process.pid
        assert is_in_own_namespace(process.pid)
        process.send_signal(stop)
        assert process.wait(10) == -stop
    assert subprocess.run(["pgrep", "-s", str(process.pid)], check=False).returncode == 1
    assert Path("/proc/self/mountinfo").read_bytes() == mounts
    assert not is_in_own_namespace(os.getpid())


@pytest.mark.parametrize("missing", ["unshare", "mount", "umount", "setpriv", ""])
def test_machine_without_the_right_has_no_namespace_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    for name in ("unshare", "mount", "umount", "setpriv"):
        program = tmp_path / name
        program.write_text("#!/bin/sh\necho unshare failed: Operation not permitted >&2\nexit 1\n", encoding="utf-8")
        program.chmod(0o700)
    if missing:
        (tmp_path / missing).unlink()
    monkeypatch.setenv("PATH", str(tmp_path))
    find_obstacle.cache_clear()
    assert find_obstacle() == (f"no {missing}" if missing else "not allowed here")
    assert namespace_prefix(_view(tmp_path)) == ()
    assert thrift.service(tmp_path, on_free_ports(tmp_path)).command[0] == "env"
    assert thrift.describe_protection(tmp_path, on_free_ports(tmp_path), os.getpid()).startswith("the gate alone (no")
    find_obstacle.cache_clear()


def test_another_system_than_linux_has_no_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    find_obstacle.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "platform", "darwin")
        assert find_obstacle() == "no Linux"
    find_obstacle.cache_clear()


def test_secrets_and_other_tables_are_not_visible_to_the_thrift_server(tmp_path: Path) -> None:
    for home, settings in ((tmp_path, on_free_ports(tmp_path)), (ROOT / ".local", Settings(_env_file=None))):  # type: ignore[call-arg]
        view = thrift.thrift_view(home, settings)
        assert thrift.find_exposure(home, settings) == ""
        lake = Path(settings.lake)
        hidden = (
            *(ROOT / ".env", ROOT / "data" / "input", ROOT / "data" / "output", lake / "silver"),
            *(lake / "bronze" / "rh_employees", home / "run" / "secrets", home / "run" / "supervisor.json"),
            *(
                home / name
                for name in ("postgres", "kafka", "connect", "logs", "tmp", "run/warm", "run/supervisord.conf")
            ),
        )
        for path in hidden:
            assert any(path.is_relative_to(folder) for folder in view.hidden), path
            assert not any(path.is_relative_to(one) or one == path.parent for one in view.visible), path
        assert {home / "java", settings.jars_dir, ROOT / "scripts", lake / "gold"} < {*view.read}
        written = {path for path in view.write if path.is_relative_to(home)}
        assert written == {home / "access", home / "run" / "thrift", home / "thrift"}


@pytest.mark.parametrize(
    ("update", "reason"),
    [
        ({"lake_uri": "s3a://bucket/lake"}, "object store"),
        ({"thrift_users_file": ROOT / "users"}, "is not its alone"),
        ({"thrift_owner_file": ROOT / "owner"}, "is not its alone"),
        ({"access_journal_dir": ROOT}, "is not its alone"),
        ({"tuning_dir": ROOT}, "is not its alone"),
        ({"java_home": ROOT}, "is not its alone"),
    ],
)
def test_setting_that_would_show_secrets_leaves_the_gate_alone(
    tmp_path: Path, update: dict[str, Any], reason: str
) -> None:
    settings = on_free_ports(tmp_path).model_copy(update=update)
    assert reason in thrift.find_exposure(tmp_path, settings)
    assert thrift.service(tmp_path, settings).command[0] == "env"
    assert f"the gate alone ({thrift.find_exposure(tmp_path, settings)})" == thrift.describe_protection(
        tmp_path, settings, os.getpid()
    )


@pytest.mark.parametrize("name", ["run", "lake", "."])
def test_users_file_among_secrets_of_a_stack_leaves_the_gate_alone(tmp_path: Path, name: str) -> None:
    settings = on_free_ports(tmp_path).model_copy(update={"thrift_users_file": tmp_path / name / "users"})
    assert str((tmp_path / name).resolve()) in thrift.find_exposure(tmp_path, settings)


@needs_namespaces
def test_supervisor_runs_the_thrift_server_in_its_namespace(tmp_path: Path) -> None:
    settings = on_free_ports(tmp_path)
    prefix = namespace_prefix(thrift.thrift_view(tmp_path, settings))
    assert prefix[:2] == ("unshare", "--mount")
    service = thrift.service(tmp_path, settings)
    assert service.command[: len(prefix)] == prefix
    with subprocess.Popen([*prefix, "sh", "-c", "echo; exec sleep 60"], stdout=-1) as process:
        try:
            assert process.stdout
            process.stdout.readline()
            assert service.protection(process.pid) == thrift.IN_NAMESPACE
        finally:
            process.kill()
    assert service.protection(os.getpid()) == f"{thrift.GATE_ALONE} (started without a namespace)"


@needs_namespaces
@needs_root
def test_lake_behind_a_link_is_hidden_where_it_lies(tmp_path: Path) -> None:
    disk, home = tmp_path / "disk", tmp_path / "home"
    for name in ("gold", "silver"):
        (disk / name).mkdir(parents=True)
        (disk / name / "rows").write_text(name, encoding="utf-8")
    for folder in (home, tmp_path / "users"):
        folder.mkdir()
    (home / "lake").symlink_to(disk)
    view = View((home, home / "lake"), (home / "lake" / "gold",), (home / "own",))
    command = build_prefix(view, os.geteuid(), os.getegid())
    read = _run(command, tmp_path, f"cat '{home}/lake/gold/rows'")
    assert (read.stdout, read.returncode) == ("gold", 0), read.stderr
    for path in (home / "lake" / "silver", disk / "silver", disk / "gold"):
        assert _run(command, tmp_path, f"cat '{path}/rows'").returncode != 0, path
