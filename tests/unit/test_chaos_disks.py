"""The small disks of chaos: each is full at its own size, in a mount namespace of the run's own."""

import subprocess
import sys
from pathlib import Path

import pytest

from chaos.small_disks import DISK_BYTES, mount_small_disks
from lakehouse.settings import ROOT

FILL_KAFKA_DISK = """
import sys
from pathlib import Path
from chaos import small_disks
from chaos.failpoints import fill_disk
small_disks.enter_mount_namespace()
home = Path(sys.argv[1])
small_disks.DISK_BYTES = dict.fromkeys(small_disks.DISK_BYTES, 1 << 20)
with small_disks.mount_small_disks(home) as mounted:
    print(*sorted(mounted))
    if "kafka" in mounted:
        filler = fill_disk(home / "kafka")
        print(filler.stat().st_size)
        (home / "postgres" / "file").write_bytes(bytes(1_000))
"""


def test_full_disk_of_kafka_leaves_space_on_that_of_postgres(tmp_path: Path) -> None:
    completed = subprocess.run(
        [sys.executable, "-c", FILL_KAFKA_DISK, str(tmp_path)],
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "PYTHONPATH": f"{ROOT / 'scripts'}:{ROOT / 'tests'}"},
        capture_output=True,
        text=True,
        check=True,
    )
    mounted, *size = completed.stdout.splitlines()
    if not mounted:
        pytest.skip("no tmpfs can be mounted on this machine")
    assert mounted.split() == sorted(DISK_BYTES)
    assert int(size[0]) == 1 << 20
    assert not (tmp_path / "kafka" / "filler").exists()


def test_no_disk_is_small_outside_a_mount_namespace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHAOS_MOUNTS", raising=False)
    with mount_small_disks(tmp_path) as mounted:
        assert mounted == frozenset()
    assert list(tmp_path.iterdir()) == []
