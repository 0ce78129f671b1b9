"""Orphans: processes whose supervisord was killed, found by an environment variable and terminated."""

from contextlib import suppress
from pathlib import Path

import psutil

from lakehouse.errors import HOME_VAR

TERMINATE_TIMEOUT_S = 10


def kill_orphans(home: Path) -> None:
    """Terminate every process of the stack in `home`, kill those that remain, and wait until all are gone."""
    orphans = _find_orphans(home)
    for process in orphans:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    _, survivors = psutil.wait_procs(orphans, timeout=TERMINATE_TIMEOUT_S)
    for process in survivors:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(survivors, timeout=TERMINATE_TIMEOUT_S)


def _find_orphans(home: Path) -> list[psutil.Process]:
    orphans = [process for process in psutil.process_iter() if _belongs(process, home)]
    return [*orphans, *_find_postmaster(home / "postgres" / "data")]


def _belongs(process: psutil.Process, home: Path) -> bool:
    with suppress(psutil.Error, OSError):
        return bool(process.environ().get(HOME_VAR) == str(home))
    return False


def _find_postmaster(data: Path) -> list[psutil.Process]:
    """Return Postgres's main process, found by its pid file and working directory.

    Postgres overwrites its environment with its process title.
    """
    with suppress(OSError, ValueError, IndexError, psutil.Error):
        process = psutil.Process(int((data / "postmaster.pid").read_text(encoding="utf-8").split()[0]))
        if Path(process.cwd()) == data:
            return [process]
    return []
