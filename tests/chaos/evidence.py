"""What a run leaves for a person to look at: the logs, and the lake and Kafka's data where something was found."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from chaos.system_under_test import SystemUnderTest

# Kafka makes its indexes again; they are made of holes, which a copy would fill.
KAFKA_INDEX_FILES = shutil.ignore_patterns("*.index", "*.timeindex")


@contextmanager
def preserve_evidence(
    system: SystemUnderTest, folder: Path, log: Callable[[str], None], *, always: bool
) -> Iterator[None]:
    """Copy the logs into the folder when the block ends, with the lake and Kafka's data where it raised, or always.

    The system is stopped before its data is copied.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    keep_all = always
    try:
        yield
    except Exception:
        keep_all = True
        raise
    finally:
        if keep_all:
            system.stack.down()
            shutil.copytree(system.settings.lake, folder / "lake")
            shutil.copytree(system.stack.home / "kafka", folder / "kafka", ignore=KAFKA_INDEX_FILES)
        shutil.copytree(system.stack.logs, folder / "logs")
        log(f"{'the lake, the topics and the logs' if keep_all else 'the logs'} are in {folder}")
