"""A container's files in a folder of a test's, and the entrypoint that runs on them with a container's capabilities."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from lakehouse.settings import ROOT

PASSWD = "root:x:0:0:root:/root:/bin/bash\nlakehouse:x:10001:10001::/home/lakehouse:/bin/sh\n"
ROOT_OUTSIDE, USER_OUTSIDE = "0 0 4294967295\n", "0 1000 1\n1 100000 65536\n"
# Those of docker-compose.yml: without them, root may do less than a test's.
CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "KILL", "SETGID", "SETUID")


@contextmanager
def passable_folder() -> Iterator[Path]:
    """Yield a folder that other users can pass through: pytest closes its own whenever another session starts."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder


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
        bounding = ",".join(("-all", *(f"+{name.lower()}" for name in CAPABILITIES)))
        limit = ["setpriv", f"--bounding-set={bounding}"] if os.geteuid() == 0 and uid_map == ROOT_OUTSIDE else []
        return subprocess.run(
            [*limit, "sh", "-c", script, "entrypoint.sh", *command], capture_output=True, text=True, check=False
        )
