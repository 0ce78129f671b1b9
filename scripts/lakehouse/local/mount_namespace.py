"""A mount namespace for one service: below some folders it sees what it is given, and nothing else of them.

A namespace ends with its last process, and its mounts with it (mount_namespaces(7)).
"""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

NAMESPACE_PROGRAMS = ("unshare", "mount", "umount", "setpriv")
# The machine as it was is bound there while the view is put together: every Linux has the folder.
STAGE_FOLDER = "/sys"
# Root keeps what opens another user's files, and nothing that undoes a mount or looks into another process.
ROOT_CAPABILITY = "dac_override"


@dataclass(frozen=True)
class View:
    """What a process sees of the folders `hidden`: folders and files to read, and folders to write.

    It runs in the last of these. What lies elsewhere it sees as every process does.
    """

    hidden: tuple[Path, ...]
    read: tuple[Path, ...]
    write: tuple[Path, ...]
    files: tuple[Path, ...] = ()

    @property
    def visible(self) -> tuple[Path, ...]:
        """Return what lies below a hidden folder, or is one, and is visible."""
        every = (*self.read, *self.write, *self.files)
        return tuple(path for path in every if any(path.is_relative_to(folder) for folder in self.hidden))


def namespace_prefix(view: View) -> tuple[str, ...]:
    """Return the prefix of a command that runs in the view; empty where this machine allows no namespace."""
    return () if find_obstacle() else build_prefix(view, os.geteuid(), os.getegid())


@cache
def find_obstacle() -> str:
    """Return why this machine allows no namespace, in few words; an empty text where it allows one."""
    if sys.platform != "linux":
        return "no Linux"
    if missing := [name for name in NAMESPACE_PROGRAMS if not shutil.which(name)]:
        return f"no {missing[0]}"
    with TemporaryDirectory(prefix="namespace-") as name:
        folder = Path(name).resolve()
        view = View((folder,), (folder / "read",), (folder / "write",))
        # What refuses it differs: the kernel's settings, a container's profile, AppArmor. So all of it is tried.
        command = (*build_prefix(view, os.geteuid(), os.getegid()), "true")
        tried = subprocess.run(command, capture_output=True, check=False)
    return "not allowed here" if tried.returncode else ""


def is_in_own_namespace(pid: int) -> bool:
    """Return whether a process has another mount namespace than this one; false where nobody can tell."""
    try:
        return Path(f"/proc/{pid}/ns/mnt").readlink() != Path("/proc/self/ns/mnt").readlink()
    except OSError:
        return False


def build_prefix(view: View, uid: int, gid: int) -> tuple[str, ...]:
    """Return the command that opens a namespace, arranges the view in it, and drops the right to undo it.

    Each part replaces the one before (exec), so that signals reach the service itself.
    """
    # Who is root of a namespace may mount in it. A second one inside restores the user's own number.
    opening = ["unshare", "--mount", *([] if uid == 0 else ["--user", "--map-root-user"])]
    capabilities = ["--bounding-set", f"-all,+{ROOT_CAPABILITY}", "--inh-caps", "-all", "--no-new-privs"]
    user = ["unshare", "--user", f"--map-user={uid}", f"--map-group={gid}"]
    closing = ["setpriv", *capabilities] if uid == 0 else user
    return (*opening, "--", "sh", "-c", _render_script(view), "sh", *closing, "--")


def _render_script(view: View) -> str:
    """Return the shell's commands, in one line: hide folders, and show in its place what the stage has of them.

    Folders are made before, so that they are there when another service fills them: a bind of an absent one fails.
    """
    hidden = _outermost(folder for path in view.hidden for folder in (path, path.resolve()))
    return " && ".join(
        [
            f"umask 077 && mkdir -p {_words(*view.hidden, *view.read, *view.write)}",
            f"mount -R / {STAGE_FOLDER}",
            *(f"mount -t tmpfs -o mode=700 tmpfs {_words(path)}" for path in hidden),
            *(_show(path, view) for path in sorted({*view.visible})),
            *(f"mount -o remount,bind,ro {_words(path)}" for path in hidden),
            # From inside of a hidden folder, a way would lead to what it hides.
            f'umount -l {STAGE_FOLDER} && cd {_words(view.write[-1])} && exec "$@"',
        ]
    )


def _show(path: Path, view: View) -> str:
    """Return the commands that show a path of the stage in its place, where it exists.

    To nosuid and nodev the kernel holds whoever is not root, where the disk has them.
    """
    target, parent, source = _words(path), _words(path.parent), _words(Path(f"{STAGE_FOLDER}{path.resolve()}"))
    mode = "" if path in view.write else "ro,"
    show = f"mount -R {source} {target} && mount -o remount,bind,{mode}nosuid,nodev {target}"
    if path not in view.files:
        return f"mkdir -p {target} && {show}"
    return f"if [ -f {source} ]; then mkdir -p {parent} && {{ [ -e {target} ] || touch {target}; }} && {show}; fi"


def _outermost(folders: Iterable[Path]) -> list[Path]:
    every = {*folders}
    return sorted(one for one in every if not every.intersection(one.parents))


def _words(*paths: Path) -> str:
    return shlex.join(map(str, paths))
