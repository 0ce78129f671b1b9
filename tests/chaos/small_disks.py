"""Small disks for the parts of a system whose disk is to be full: a tmpfs each, in a mount namespace of this run."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

# Bytes. Postgres may have 1 GiB of WAL before a checkpoint removes any, by its default max_wal_size.
DISK_BYTES: Mapping[str, int] = {"lake": 512 << 20, "kafka": 512 << 20, "postgres": 1_280 << 20}
# Killed processes leave shared memory there, libfaketime's and Postgres's; this one vanishes at exit.
SHARED_MEMORY, SHARED_MEMORY_BYTES = Path("/dev/shm"), 1 << 30  # noqa: S108 - a mount point, not a file


def enter_mount_namespace() -> None:
    """Re-execute this process in a mount namespace of its own, where a tmpfs can be mounted and vanishes at exit.

    Return where the process is in one already, or where this machine allows none.
    """
    if os.environ.get("CHAOS_MOUNTS"):
        return
    for options in ((), ("--user", "--map-root-user")):
        command = ("unshare", "--mount", *options, "--")
        if _succeeds(*command, "true"):
            os.environ["CHAOS_MOUNTS"] = "own"
            os.execvp(command[0], [*command, sys.executable, *sys.orig_argv[1:]])  # noqa: S606


@contextmanager
def mount_small_disks(home: Path) -> Iterator[frozenset[str]]:
    """Mount a small disk at each folder of DISK_BYTES in `home` until the block ends; yield the mounted ones."""
    with ExitStack() as mounts:
        mounts.enter_context(_tmpfs(SHARED_MEMORY, SHARED_MEMORY_BYTES))
        yield frozenset(
            name for name, size in DISK_BYTES.items() if mounts.enter_context(_tmpfs(home / name, size, mode="0755"))
        )


@contextmanager
def _tmpfs(folder: Path, size: int, mode: str = "1777") -> Iterator[bool]:
    """Mount a tmpfs at the folder until the block ends, and yield whether that was possible."""
    command = ("mount", "-t", "tmpfs", "-o", f"size={size},mode={mode}", "chaos", str(folder))
    is_mounted = False
    if os.environ.get("CHAOS_MOUNTS"):
        folder.mkdir(parents=True, exist_ok=True)
        is_mounted = _succeeds(*command)
    if not is_mounted:
        yield False
        return
    try:
        yield True
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def _succeeds(*command: str) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False
