"""Where a container begins: what it writes is to belong to the person who owns data/delta, who may then remove it.

Started as root it takes that person's uid, 10001 where the folder is root's, and runs the command as nobody else.
Only the standard library, for it runs before everything.
"""

import os
import sys
from collections.abc import Collection, Iterable
from pathlib import Path

LAKE, OUTPUT = Path("/data/delta"), Path("/app/data/output")
# The Thrift server's mounts are made by the engine, as root, where they are not there before the first job.
LAKE_FOLDERS = ("bronze", "bronze/strava_activities", "silver", "gold")
HOME, PASSWD = Path("/home/lakehouse"), Path("/etc/passwd")
UID_MAP, MOUNTS = Path("/proc/self/uid_map"), Path("/proc/self/mountinfo")
DEFAULT_UID = 10001


def main() -> None:
    command = sys.argv[1:]
    if not command:
        sys.exit("error: no command. For example: python scripts/Jobs_Spark/batch_refresh_silver_gold.py")
    try:
        mounts = mount_points(MOUNTS.read_text(encoding="utf-8"))
        if os.geteuid() == 0 and is_root_outside(UID_MAP.read_text(encoding="utf-8")):
            switch_to_lake_owner(mounts)
        elif LAKE in mounts:
            create_lake_folders(LAKE)
    except PermissionError as error:
        sys.exit(f"error: {error.filename}: {error.strerror}. Give data/delta and data/output to who starts this.")
    os.environ["HOME"] = str(HOME)
    try:
        os.execvp(command[0], command)  # noqa: S606 - no shell is what is wanted
    except OSError as error:
        sys.exit(f"error: {command[0]}: {error.strerror}")


def switch_to_lake_owner(mounts: Collection[Path]) -> None:
    """Stop being root: become the owner of the lake that is mounted, or ourselves where none is."""
    uid, gid = owner(LAKE) if LAKE in mounts else (DEFAULT_UID, DEFAULT_UID)
    add_passwd_entry(uid, gid, PASSWD)
    os.chown(HOME, uid, gid)
    if LAKE in mounts:
        chown_roots_folders([LAKE, *create_lake_folders(LAKE)], uid, gid)
    if OUTPUT in mounts:
        chown_roots_folders([OUTPUT], uid, gid)
    drop_privileges(uid, gid)


def is_root_outside(uid_map: str) -> bool:
    """Tell whether root in here is root of the machine: an engine without root makes a person root in here."""
    inside, outside, _ = uid_map.split(maxsplit=3)[:3]
    return inside == outside == "0"


def mount_points(mountinfo: str) -> set[Path]:
    """Give what is mounted in here. A look at the device does not tell: it may be one with the container's own."""
    return {Path(line.split()[4]) for line in mountinfo.splitlines()}


def owner(folder: Path) -> tuple[int, int]:
    """Give the folder's owner as uid and gid; ours where that is root, who is not to run anything."""
    found = folder.stat()
    return (found.st_uid, found.st_gid) if found.st_uid else (DEFAULT_UID, DEFAULT_UID)


def add_passwd_entry(uid: int, gid: int, passwd: Path) -> None:
    """Give the uid a line in passwd where it has none: without one Spark does not log in."""
    lines = passwd.read_text(encoding="utf-8").splitlines()
    if not any(line.split(":")[2:3] == [str(uid)] for line in lines):
        lines.append(f"lakehouse-{uid}:x:{uid}:{gid}::{HOME}:/usr/sbin/nologin")
        passwd.write_text("\n".join(lines) + "\n", encoding="utf-8")


def create_lake_folders(lake: Path) -> list[Path]:
    """Make the lake's folders, and give them."""
    folders = [lake / folder for folder in LAKE_FOLDERS]
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    return folders


def chown_roots_folders(folders: Iterable[Path], uid: int, gid: int) -> None:
    """Make root's folders this person's; anybody else's stay theirs."""
    for folder in folders:
        if folder.stat().st_uid == 0:
            os.chown(folder, uid, gid)


def drop_privileges(uid: int, gid: int) -> None:
    """Stop being root, for good."""
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


if __name__ == "__main__":
    main()
