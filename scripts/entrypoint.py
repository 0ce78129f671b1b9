"""The entry point of a container: it drops root, so that its files belong to the owner of data/delta.

The owner can then delete them. The uid is 10001 where root owns the folder.
Imports only the standard library, because it runs before everything else.
"""

import os
import sys
from collections.abc import Collection, Iterable
from pathlib import Path

LAKE, OUTPUT = Path("/data/delta"), Path("/app/data/output")
# The container engine creates missing mount points of the Thrift server as root, so they must exist before.
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
        sys.exit(f"error: {error.filename}: {error.strerror}. Make yourself the owner of data/delta and data/output.")
    os.environ["HOME"] = str(HOME)
    try:
        os.execvp(command[0], command)  # noqa: S606 - without a shell on purpose
    except OSError as error:
        sys.exit(f"error: {command[0]}: {error.strerror}")


def switch_to_lake_owner(mounts: Collection[Path]) -> None:
    """Drop root and become the owner of the mounted lake, or the default user where none is mounted."""
    uid, gid = owner(LAKE) if LAKE in mounts else (DEFAULT_UID, DEFAULT_UID)
    add_passwd_entry(uid, gid, PASSWD)
    os.chown(HOME, uid, gid)
    if LAKE in mounts:
        chown_roots_folders([LAKE, *create_lake_folders(LAKE)], uid, gid)
    if OUTPUT in mounts:
        chown_roots_folders([OUTPUT], uid, gid)
    drop_privileges(uid, gid)


def is_root_outside(uid_map: str) -> bool:
    """Return whether root in the container is root of the machine; a rootless engine maps a user to root instead."""
    inside, outside, _ = uid_map.split(maxsplit=3)[:3]
    return inside == outside == "0"


def mount_points(mountinfo: str) -> set[Path]:
    """Return the mount points of a mountinfo text. Comparing devices would miss a mount on the container's own."""
    return {Path(line.split()[4]) for line in mountinfo.splitlines()}


def owner(folder: Path) -> tuple[int, int]:
    """Return the folder's owner as (uid, gid), or the default user where root owns it: no command runs as root."""
    status = folder.stat()
    return (status.st_uid, status.st_gid) if status.st_uid else (DEFAULT_UID, DEFAULT_UID)


def add_passwd_entry(uid: int, gid: int, passwd: Path) -> None:
    """Add a line for the uid to passwd where it has none: Spark's login fails for a user without one."""
    lines = passwd.read_text(encoding="utf-8").splitlines()
    if not any(line.split(":")[2:3] == [str(uid)] for line in lines):
        lines.append(f"lakehouse-{uid}:x:{uid}:{gid}::{HOME}:/usr/sbin/nologin")
        passwd.write_text("\n".join(lines) + "\n", encoding="utf-8")


def create_lake_folders(lake: Path) -> list[Path]:
    """Create the lake's folders and return them."""
    folders = [lake / folder for folder in LAKE_FOLDERS]
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    return folders


def chown_roots_folders(folders: Iterable[Path], uid: int, gid: int) -> None:
    """Change the owner of the folders that belong to root; the others keep theirs."""
    for folder in folders:
        if folder.stat().st_uid == 0:
            os.chown(folder, uid, gid)


def drop_privileges(uid: int, gid: int) -> None:
    """Drop root for good: set the groups, the gid and the uid, in this order."""
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


if __name__ == "__main__":
    main()
