"""Processes that outlived their supervisord (it was killed): found by what they carry, and ended."""

from contextlib import suppress
from pathlib import Path

import psutil

HOME_VAR = "LAKEHOUSE_HOME"
TIMEOUT = 10  # seconds


def kill_orphans(home: Path) -> None:
    """End every process of the stack in `home`, and wait until they are gone."""
    orphans = _find_orphans(home)
    for process in orphans:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    _, survivors = psutil.wait_procs(orphans, timeout=TIMEOUT)
    for process in survivors:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(survivors, timeout=TIMEOUT)


def _find_orphans(home: Path) -> list[psutil.Process]:
    found = [process for process in psutil.process_iter() if _belongs(process, home)]
    return [*found, *_find_postmaster(home / "postgres" / "data")]


def _belongs(process: psutil.Process, home: Path) -> bool:
    with suppress(psutil.Error, OSError):
        return bool(process.environ().get(HOME_VAR) == str(home))
    return False


def _find_postmaster(data: Path) -> list[psutil.Process]:
    """Postgres writes its title over its environment, but it leaves its pid in its data folder, and works there."""
    with suppress(OSError, ValueError, IndexError, psutil.Error):
        process = psutil.Process(int((data / "postmaster.pid").read_text(encoding="utf-8").split()[0]))
        if Path(process.cwd()) == data:
            return [process]
    return []
