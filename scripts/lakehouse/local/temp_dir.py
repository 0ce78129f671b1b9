"""The temporary folder of a stack, which no restart of the machine empties."""

import shutil
from pathlib import Path

MAX_AGE_S = 24 * 3600  # a job that was run by hand may still use what is younger


def prepare_temp_dir(folder: Path, now: float) -> None:
    """Create the folder, and delete what JVMs that were killed left there more than a day before `now`."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        if now - path.lstat().st_mtime > MAX_AGE_S:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
