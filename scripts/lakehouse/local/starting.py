"""Starting services: each as soon as those it needs are ready, as many at once as can be."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from graphlib import TopologicalSorter
from pathlib import Path
from threading import Event
from time import monotonic

from lakehouse.errors import NotReady
from lakehouse.local.service import Service
from lakehouse.local.supervisor import Supervisor
from lakehouse.waiting import wait_until


def start(services: Sequence[Service], supervisor: Supervisor, logs: Path, say: Callable[[str], None]) -> None:
    """Start what does not run yet and wait until each is ready; `say` gets a line for each.

    Raises NotReady, naming the service, what was awaited and its log; the others are then not awaited any longer.
    """
    began, given_up = monotonic(), Event()
    named = {service.name: service for service in services}
    order = TopologicalSorter({name: [one for one in named[name].after if one in named] for name in named})
    order.prepare()
    with ThreadPoolExecutor(len(services)) as pool:
        running: dict[Future[None], str] = {}
        try:
            while order.is_active():
                for name in order.get_ready():
                    running[pool.submit(_start_one, named[name], supervisor, logs, given_up)] = name
                done = next(as_completed(running))
                done.result()
                name = running.pop(done)
                say(f"{name:<17} ready after {monotonic() - began:5.1f} s   {named[name].address}")
                order.done(name)
        except BaseException:
            given_up.set()
            raise


def missing(service: Service, supervisor: Supervisor) -> str | None:
    """Give what a service's being ready still lacks, or None."""
    process = supervisor.processes()[service.name]
    if service.once:
        return None if process.state == "EXITED" and process.exit_code == 0 else "it to end well"
    return service.missing() if process.state == "RUNNING" else f"it to run (it is {process.state})"


def _start_one(service: Service, supervisor: Supervisor, logs: Path, given_up: Event) -> None:
    is_new = supervisor.processes()[service.name].is_at_rest(service.once)
    # One that was killed may need a second try before it is back; one that is started now should not.
    failed = {"BACKOFF", "FATAL"} if is_new else {"FATAL"}
    lives: set[int | None] = set()

    def is_ready() -> bool:
        if given_up.is_set():
            raise NotReady("given up, because another did not start")
        process = supervisor.processes()[service.name]
        lives.add(process.pid)
        if process.state in failed or (is_new and not service.once and len(lives - {None}) > 1):
            raise NotReady("it ended while it was starting")
        return missing(service, supervisor) is None

    try:
        if is_new:
            service.prepare()
            supervisor.start_program(service.name)
        wait_until(is_ready, timeout=service.timeout, missing=lambda: missing(service, supervisor) or "nothing more")
        service.first()
    except NotReady as error:
        log = logs / f"{service.name}.log"
        raise NotReady(f"{service.name}: {error}. Its log: {log}{_said_last(log)}") from None


def _said_last(log: Path, lines: int = 5) -> str:
    """Give the last lines of a log, indented, without the frames of stack traces; nothing where it says nothing."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    said = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith(("at ", "... "))]
    return "\n  ".join([", which ends with:", *said[-lines:]]) if said else ""
