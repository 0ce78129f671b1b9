"""Processes that outlived their supervisord (it was killed): found by what they carry, and ended."""

from contextlib import suppress
from pathlib import Path

import psutil

HOME = "LAKEHOUSE_HOME"
PATIENCE = 10  # seconds


def end(home: Path) -> None:
    """End every process of the stack in `home`, and wait until they are gone."""
    found = _of(home)
    for process in found:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    _, alive = psutil.wait_procs(found, timeout=PATIENCE)
    for process in alive:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive, timeout=PATIENCE)


def _of(home: Path) -> list[psutil.Process]:
    found = [process for process in psutil.process_iter() if _belongs(process, home)]
    return [*found, *_postmaster(home / "postgres" / "data")]


def _belongs(process: psutil.Process, home: Path) -> bool:
    with suppress(psutil.Error, OSError):
        return bool(process.environ().get(HOME) == str(home))
    return False


def _postmaster(data: Path) -> list[psutil.Process]:
    """Postgres writes its title over its environment, but it leaves its pid in its data folder, and works there."""
    with suppress(OSError, ValueError, IndexError, psutil.Error):
        process = psutil.Process(int((data / "postmaster.pid").read_text(encoding="utf-8").split()[0]))
        if Path(process.cwd()) == data:
            return [process]
    return []
