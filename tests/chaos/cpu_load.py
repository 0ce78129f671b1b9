"""A second program that wants every core, as on a machine that is much too busy."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

# It ends by itself where whoever started it was killed. With the weight of all others little came to its end on
# two cores: requests to Kafka timed out after 5 s, and the first refresh took five minutes.
SPIN_SCRIPT = "import os\nos.nice(5)\nparent = os.getppid()\nwhile os.getppid() == parent:\n    pass"


@contextmanager
def busy_cores() -> Iterator[None]:
    """Keep as many processes spinning as there are cores, and end them with the block."""
    with ExitStack() as exit_stack:
        for _ in range(os.cpu_count() or 1):
            spinning = exit_stack.enter_context(
                subprocess.Popen([sys.executable, "-c", SPIN_SCRIPT], start_new_session=True)
            )
            exit_stack.callback(spinning.kill)
        yield
