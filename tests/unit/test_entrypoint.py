"""Law: what a container writes belongs to the owner of data/delta, and none of our code runs as root."""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from lakehouse.settings import ROOT

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can change a folder's owner")
PASSWD = "root:x:0:0:root:/root:/bin/bash\nlakehouse:x:10001:10001::/home/lakehouse:/bin/sh\n"
IDENTITY = ("grep", "-E", "^(Uid|Gid|Groups|CapEff):", "/proc/self/status")
ROOT_OUTSIDE, USER_OUTSIDE = "0 0 4294967295\n", "0 1000 1\n1 100000 65536\n"
LAKE_FOLDERS = {"bronze", "bronze/strava_activities", "silver", "gold"}


@dataclass(frozen=True)
class Container:
    """The files of a container that the script reads and writes, in a folder of the test's."""

    folder: Path

    def __post_init__(self) -> None:
        for name in ("lake", "output", "home", "login", "readers", "tls", "journal"):
            (self.folder / name).mkdir()
        (self.folder / "passwd").write_text(PASSWD, encoding="utf-8")

    @property
    def lake(self) -> Path:
        return self.folder / "lake"

    @property
    def passwd_lines(self) -> list[str]:
        return (self.folder / "passwd").read_text(encoding="utf-8").splitlines()

    def owners(self, folder: str) -> Mapping[str, int]:
        """Return the uid of everything under a folder, by its path."""
        root = self.folder / folder
        return {str(path.relative_to(root)): path.stat().st_uid for path in root.rglob("*")}

    def run(
        self, *command: str, mounts: tuple[str, ...] = ("lake", "output"), uid_map: str = ROOT_OUTSIDE
    ) -> "subprocess.CompletedProcess[str]":
        """Run the script on these files in the place of the container's."""
        lines = [f"31 29 8:1 /home/me/{name} {self.folder / name} rw - ext4 /dev/sda1 rw\n" for name in mounts]
        (self.folder / "mountinfo").write_text("29 1 8:1 / / rw - ext4 /dev/sda1 rw\n" + "".join(lines))
        (self.folder / "uid_map").write_text(uid_map)
        script = (ROOT / "scripts" / "entrypoint.sh").read_text(encoding="utf-8")
        for path, name in {
            "/data/delta": "lake",
            "/app/data/output": "output",
            "/run/thrift": "login",
            "/run/readers": "readers",
            "/run/tls": "tls",
            "/run/lakehouse/tls": "tls-copy",
            "/var/lib/access": "journal",
            "/run/lakehouse/passwd": "passwd",
            "/etc/passwd.image": "passwd.image",
            "/home/lakehouse": "home",
            "/proc/self/mountinfo": "mountinfo",
            "/proc/self/uid_map": "uid_map",
            "/tmp/starts": "starts",  # noqa: S108 - the container's
        }.items():
            assert path in script
            script = script.replace(path, str(self.folder / name))
        return subprocess.run(
            ["sh", "-c", script, "entrypoint.sh", *command], capture_output=True, text=True, check=False
        )


@pytest.fixture
def container(tmp_path: Path) -> Container:
    return Container(tmp_path)


@needs_root
@pytest.mark.parametrize(("owned_by", "expected"), [((1001, 1002), (1001, 1002)), ((0, 0), (10001, 10001))])
def test_command_runs_as_the_lake_owner_unless_it_is_root(
    container: Container, owned_by: tuple[int, int], expected: tuple[int, int]
) -> None:
    os.chown(container.lake, *owned_by)
    uid, gid = expected
    status = dict(line.split(":", 1) for line in container.run(*IDENTITY).stdout.splitlines())
    assert {name: value.split() for name, value in status.items()} == {
        "Uid": [str(uid)] * 4,
        "Gid": [str(gid)] * 4,
        # Folders of root's may be open to its group alone.
        "Groups": ["0"] if owned_by == (0, 0) else [],
        "CapEff": ["0000000000000000"],
    }


@needs_root
def test_command_runs_as_the_default_user_where_no_lake_is_mounted(container: Container) -> None:
    os.chown(container.lake, 1001, 1002)
    assert container.run("id", "-u", mounts=()).stdout == "10001\n"
    assert not container.owners("lake")
    assert (container.folder / "output").stat().st_uid == 0


@needs_root
def test_folder_of_the_thrift_servers_password_is_handed_to_its_user(container: Container) -> None:
    assert container.run("true", mounts=("login",)).returncode == 0
    assert (container.folder / "login").stat().st_uid == 10001
    os.chown(container.folder / "login", 7, 7)
    assert container.run("true", mounts=("login",)).returncode == 0
    assert (container.folder / "login").stat().st_uid == 7


@needs_root
def test_users_are_changed_by_the_thrift_servers_user_whoever_owns_the_lake(container: Container) -> None:
    os.chown(container.lake, 1001, 1002)
    for script, uid in (("scripts/Jobs_Spark/thrift_users.py", 10001), ("scripts/Jobs_Spark/reconcile.py", 1001)):
        assert container.run("sh", "-c", "id -u", script, mounts=("lake", "readers")).stdout == f"{uid}\n"
        assert (container.folder / "readers").stat().st_uid == 10001
    assert container.owners("lake") == dict.fromkeys(LAKE_FOLDERS, 1001)


@needs_root
def test_private_certificate_of_another_user_is_copied_for_the_servers(container: Container) -> None:
    certificate = container.folder / "tls" / "thrift.p12"
    certificate.write_bytes(b"x")
    certificate.chmod(0o600)
    os.chown(certificate, 1001, 1001)
    assert container.run("true", mounts=("tls",)).returncode == 0
    assert certificate.stat().st_uid == 1001
    copy = (container.folder / "tls-copy" / "thrift.p12").stat()
    assert (copy.st_uid, copy.st_mode & 0o077) == (10001, 0)


@needs_root
def test_folder_of_the_journal_of_access_has_one_group_which_each_writer_is_in(container: Container) -> None:
    journal = container.folder / "journal"
    os.chown(container.lake, 1001, 1002)
    for mounts in (("lake", "journal"), ("journal",)):  # the pipeline's, and the Thrift server's
        assert "10001" in container.run("id", "-G", mounts=mounts).stdout.split()
    assert (journal.stat().st_mode & 0o7777, journal.stat().st_uid) == (0o2770, 10001)


@needs_root
@pytest.mark.parametrize(("uid", "line_count"), [(10001, 2), (1001, 3)])
def test_a_uid_has_one_line_in_passwd(container: Container, uid: int, line_count: int) -> None:
    os.chown(container.lake, uid, uid)
    for _ in range(2):
        assert container.run("true").returncode == 0
    lines = container.passwd_lines
    assert len(lines) == line_count
    assert [line for line in lines if f":x:{uid}:{uid}:" in line] == lines[line_count - 1 :]


@needs_root
def test_folders_created_as_root_are_handed_to_the_owner_and_no_others(container: Container) -> None:
    (container.lake / "silver").mkdir()
    (container.lake / "gold").mkdir()
    (container.lake / "gold" / "prime_sportive").mkdir()
    os.chown(container.lake, 1001, 1002)
    os.chown(container.lake / "silver", 7, 7)
    for _ in range(2):  # a second start finds the folders
        assert container.run("true").returncode == 0
    assert container.owners("lake") == {
        "bronze": 1001,
        "bronze/strava_activities": 1001,
        "silver": 7,
        "gold": 1001,
        "gold/prime_sportive": 0,
    }
    assert (container.folder / "output").stat().st_uid == 1001
    assert (container.folder / "home").stat().st_uid == 1001


@needs_root
def test_output_folder_of_another_owner_is_not_handed_over(container: Container) -> None:
    os.chown(container.folder / "output", 7, 7)
    assert container.run("true").returncode == 0
    assert (container.folder / "output").stat().st_uid == 7


def test_root_of_a_user_namespace_runs_the_command_as_itself(container: Container) -> None:
    user = os.geteuid()
    assert container.run("id", "-u", uid_map=USER_OUTSIDE).stdout == f"{user}\n"
    assert container.owners("lake") == dict.fromkeys(LAKE_FOLDERS, user)
    assert container.passwd_lines == PASSWD.splitlines()


@pytest.mark.parametrize("uid_map", [ROOT_OUTSIDE, USER_OUTSIDE])
def test_command_gets_its_arguments_and_the_home_and_returns_its_exit_code(container: Container, uid_map: str) -> None:
    completed = container.run("sh", "-c", 'echo "$HOME|$1|$#"; exit 3', "sh", "a  b", "", mounts=(), uid_map=uid_map)
    assert completed.stdout == f"{container.folder}/home|a  b|2\n"
    assert completed.returncode == 3


@pytest.mark.parametrize("uid_map", [ROOT_OUTSIDE, USER_OUTSIDE])
@pytest.mark.parametrize(("command", "message"), [([], "no command"), (["nowhere-to-be-found"], "nowhere-to-be-found")])
def test_missing_or_unknown_command_is_an_error_in_one_line(
    container: Container, command: list[str], message: str, uid_map: str
) -> None:
    completed = container.run(*command, uid_map=uid_map)
    assert completed.returncode != 0
    assert message in completed.stderr
    assert len(completed.stderr.splitlines()) == 1


def test_starts_of_the_last_minute_are_noted_for_the_health_check(container: Container) -> None:
    starts = container.folder / "starts"
    starts.write_text("1700000000\n", encoding="utf-8")
    for _ in range(2):
        assert container.run("true", uid_map=USER_OUTSIDE).returncode == 0
    lines = starts.read_text(encoding="utf-8").split()
    assert len(lines) == 2
    assert "1700000000" not in lines


def test_lake_that_cannot_be_written_is_an_error_that_says_what_to_do(container: Container) -> None:
    container.lake.rmdir()
    container.lake.write_text("a file")
    completed = container.run("true", uid_map=USER_OUTSIDE)
    assert completed.returncode != 0
    assert completed.stderr.endswith("error: make yourself the owner of data/delta and data/output.\n")


@pytest.mark.parametrize("uid_map", [ROOT_OUTSIDE, USER_OUTSIDE])
def test_folders_of_the_lake_and_what_a_command_writes_are_closed_to_others(container: Container, uid_map: str) -> None:
    assert container.run("sh", "-c", "umask", uid_map=uid_map).stdout == "0077\n"
    assert {path.name: path.stat().st_mode & 0o077 for path in container.lake.rglob("*")} == dict.fromkeys(
        ("bronze", "strava_activities", "silver", "gold"), 0
    )
