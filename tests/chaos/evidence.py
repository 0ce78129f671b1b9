"""The evidence that a run leaves: always the logs, and the lake and Kafka's data where a problem was found."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from chaos.system_under_test import SystemUnderTest

# Kafka rebuilds its indexes; they are sparse files, whose holes a copy would fill.
KAFKA_INDEX_FILES = shutil.ignore_patterns("*.index", "*.timeindex")


@contextmanager
def preserve_evidence(
    system: SystemUnderTest, folder: Path, log: Callable[[str], None], *, always: bool
) -> Iterator[None]:
    """Copy the logs into the folder when the block ends, replacing what the folder held.

    Where the block raised, or with `always`, stop the system and copy the lake and Kafka's data too.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    preserve_all = always
    try:
        yield
    except Exception:
        preserve_all = True
        raise
    finally:
        if preserve_all:
            system.stack.down()
            shutil.copytree(system.settings.lake, folder / "lake")
            shutil.copytree(system.stack.home / "kafka", folder / "kafka", ignore=KAFKA_INDEX_FILES)
        shutil.copytree(system.stack.logs, folder / "logs")
        log(f"{'the lake, the topics and the logs' if preserve_all else 'the logs'} are in {folder}")
