"""CPU load on every core, as on an overloaded machine."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

# It exits when its parent was killed. It is niced: at normal priority on two cores, requests to Kafka timed out
# after 5 s, and the first refresh took five minutes.
SPIN_SCRIPT = "import os\nos.nice(5)\nparent = os.getppid()\nwhile os.getppid() == parent:\n    pass"


@contextmanager
def busy_cores() -> Iterator[None]:
    """Run one spinning process per core until the block ends."""
    with ExitStack() as exit_stack:
        for _ in range(os.cpu_count() or 1):
            spinning = exit_stack.enter_context(
                subprocess.Popen([sys.executable, "-c", SPIN_SCRIPT], start_new_session=True)
            )
            exit_stack.callback(spinning.kill)
        yield
