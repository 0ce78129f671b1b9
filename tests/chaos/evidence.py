"""What a run leaves for a person to look at: the logs, and the lake and Kafka's data where something was found."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from chaos.system import System

# Kafka makes its indexes again; they are made of holes, which a copy would fill.
INDEXES = shutil.ignore_patterns("*.index", "*.timeindex")


@contextmanager
def preserve_evidence(system: System, folder: Path, say: Callable[[str], None], *, always: bool) -> Iterator[None]:
    """Copy the logs into the folder when the block ends, with the lake and Kafka's data where it raised, or always.

    The system is stopped before its data is copied.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    everything = always
    try:
        yield
    except Exception:
        everything = True
        raise
    finally:
        if everything:
            system.stack.down()
            shutil.copytree(system.settings.lake, folder / "lake")
            shutil.copytree(system.stack.home / "kafka", folder / "kafka", ignore=INDEXES)
        shutil.copytree(system.stack.logs, folder / "logs")
        say(f"{'the lake, the topics and the logs' if everything else 'the logs'} are in {folder}")
