"""Starting services in parallel, each as soon as its dependencies are ready."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from graphlib import TopologicalSorter
from pathlib import Path
from threading import Event
from time import monotonic

from lakehouse.errors import NotReady
from lakehouse.local.service import Service
from lakehouse.local.supervisor import Supervisor
from lakehouse.retries import MAX_RESTARTS, wait_until


def start_services(
    services: Sequence[Service],
    supervisor: Supervisor,
    logs: Path,
    on_progress: Callable[[str], None],
    on_ready: Callable[[str], None] = lambda _: None,
) -> None:
    """Start the services that do not run yet, and wait until each is ready; `on_progress` gets a line for each.

    `on_ready` gets the name of each service as soon as it is ready, while others still start.
    Raises NotReady with the service, what it still lacks, and its log; then the others are no longer awaited.
    """
    began, aborted = monotonic(), Event()
    by_name = {service.name: service for service in services}
    order = TopologicalSorter(
        {name: [dependency for dependency in by_name[name].depends_on if dependency in by_name] for name in by_name}
    )
    order.prepare()
    with ThreadPoolExecutor(len(services)) as pool:
        running: dict[Future[None], str] = {}
        try:
            while order.is_active():
                for name in order.get_ready():
                    running[pool.submit(_start_service, by_name[name], supervisor, logs, aborted)] = name
                finished = next(as_completed(running))
                finished.result()
                name = running.pop(finished)
                on_progress(f"{name:<20} ready after {monotonic() - began:5.1f} s   {by_name[name].address}")
                order.done(name)
                on_ready(name)
        except BaseException:
            aborted.set()
            raise


def check_readiness(service: Service, supervisor: Supervisor) -> str | None:
    """Return what a service still lacks to be ready, or None."""
    process = supervisor.processes()[service.name]
    if service.oneshot:
        return None if process.state == "EXITED" and process.exit_code == 0 else "it to end with exit code 0"
    if process.state != "RUNNING":
        return f"it to run (it is {process.state})"
    if (restarts := supervisor.recent_restarts(service.name)) > MAX_RESTARTS:
        return f"it to stay up: it ended {restarts} times in the last minute, and its log says why"
    return service.readiness()


def _start_service(service: Service, supervisor: Supervisor, logs: Path, aborted: Event) -> None:
    is_new = supervisor.processes()[service.name].is_stopped(service.oneshot)
    # A service that was killed may need a second attempt to restart; one that is started now should not.
    failed_states = {"BACKOFF", "FATAL"} if is_new else {"FATAL"}
    pids: set[int | None] = set()

    def is_ready() -> bool:
        if aborted.is_set():
            raise NotReady("given up, because another service did not start")
        process = supervisor.processes()[service.name]
        pids.add(process.pid)
        if process.state in failed_states or (is_new and not service.oneshot and len(pids - {None}) > 1):
            raise NotReady("it ended while it was starting")
        return check_readiness(service, supervisor) is None

    try:
        if is_new:
            service.prepare()
            supervisor.start_program(service.name)
        wait_until(
            is_ready, timeout=service.timeout, missing=lambda: check_readiness(service, supervisor) or "nothing more"
        )
        service.on_ready()
    except NotReady as error:
        log = logs / f"{service.name}.log"
        raise NotReady(f"{service.name}: {error}. Its log: {log}{_log_tail(log)}") from None


def _log_tail(log: Path, lines: int = 5) -> str:
    """Return the last lines of a log, indented, without the frames of stack traces; an empty text for an empty log."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    shown = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith(("at ", "... "))]
    return "\n  ".join([", which ends with:", *shown[-lines:]]) if shown else ""
