"""Law: what a container writes belongs to the owner of data/delta, and none of our code runs as root."""

import os
from collections.abc import Iterator

import pytest

from support.container import PASSWD, ROOT_OUTSIDE, USER_OUTSIDE, Container, passable_folder

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can change a folder's owner")
IDENTITY = ("grep", "-E", "^(Uid|Gid|Groups|CapEff):", "/proc/self/status")
LAKE_FOLDERS = {"bronze", "bronze/strava_activities", "silver", "gold"}


@pytest.fixture
def container() -> Iterator[Container]:
    with passable_folder() as folder:
        yield Container(folder)


@needs_root
@pytest.mark.parametrize(("owned_by", "expected"), [((1001, 1002), (1001, 1002)), ((0, 0), (10001, 10001))])
def test_command_runs_as_the_lake_owner_unless_it_is_root(
    container: Container, owned_by: tuple[int, int], expected: tuple[int, int]
) -> None:
    os.chown(container.lake, *owned_by)
    uid, gid = expected
    container.run("true")  # a second start finds the lake handed over
    status = dict(line.split(":", 1) for line in container.run(*IDENTITY).stdout.splitlines())
    assert {name: value.split() for name, value in status.items()} == {
        "Uid": [str(uid)] * 4,
        "Gid": [str(gid)] * 4,
        # The lake's readers', and where folders may be root's and open to its group alone, that.
        "Groups": ["0", "10001"] if owned_by == (0, 0) else ["10001"],
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


def test_without_a_second_user_what_a_command_writes_is_closed_to_all_others(container: Container) -> None:
    assert container.run("sh", "-c", "umask", uid_map=USER_OUTSIDE).stdout == "0077\n"
    assert container.run("sh", "-c", "umask", mounts=("login",)).stdout == "0077\n"
    assert {path.name: path.stat().st_mode & 0o077 for path in container.lake.rglob("*")} == dict.fromkeys(
        ("bronze", "strava_activities", "silver", "gold"), 0
    )
