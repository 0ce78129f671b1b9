"""Files that only their owner may read: those with passwords from their creation on, all others by the umask."""

import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

PRIVATE_UMASK = 0o077  # of each process of ours, and so of the JVMs and services that it starts
# In a container that writes the lake: folders that the Thrift server's user reads have its group, and take it on.
# All others lie below folders that are closed to their group.
GROUP_READS_UMASK = 0o027
GROUP_READS_VAR = "LAKEHOUSE_GROUP_READS"  # set by scripts/entrypoint.sh


def writer_umask(environment: Mapping[str, str]) -> int:
    """Return the umask of a process of ours: private, unless its container's entrypoint opened folders to a group."""
    return GROUP_READS_UMASK if environment.get(GROUP_READS_VAR) else PRIVATE_UMASK


def close_to_others(folders: Iterable[Path]) -> None:
    """Remove every permission of others below the folders, and of the folders themselves.

    What git wrote, or an earlier version of this program, may have some. A link is left as it is and not followed;
    what another user owns is left, too.
    """
    for folder in folders:
        if folder.is_dir() and not folder.is_symlink():
            _close(folder)
            for parent, folder_names, file_names in os.walk(folder):
                for name in (*folder_names, *file_names):
                    _close(Path(parent, name))


def _close(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
        if not stat.S_ISLNK(mode) and mode & stat.S_IRWXO:
            path.chmod(stat.S_IMODE(mode) & ~stat.S_IRWXO)
    except (FileNotFoundError, PermissionError):  # deleted meanwhile, or another user's
        pass


def write_private_file(path: Path, text: str) -> None:
    """Write a file that is readable by its owner only from its creation on; an older one is replaced at once."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    part.replace(path)


def read_secret_file(path: Path) -> str:
    """Return a file's text without the line end that an editor adds. Raises OSError or UnicodeDecodeError."""
    return path.read_text(encoding="utf-8").rstrip("\r\n")
