"""A JVM that outlives the jobs which use it: Spark's classes are loaded there, and compiled by what ran before.

Its keeper lends it to one job at a time. One that hangs up without a word may have left work behind that no lease
covers any more: the JVM is killed, and another one started.
"""

import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from py4j.java_gateway import JavaGateway
from pyspark import SparkConf
from pyspark.java_gateway import launch_gateway

from lakehouse.cdc.session import conf, set_java
from lakehouse.cdc.warm import DONE, PATIENCE, TAKEN
from lakehouse.errors import AlreadyRunning
from lakehouse.settings import Settings
from lakehouse.waiting import Stop


def keep(settings: Settings, stop: Stop, say: Callable[[str], None]) -> None:
    """Keep a JVM for refreshes until asked to stop; AlreadyRunning where another keeper listens."""
    address = settings.warm_session
    _require_none(address)
    set_java(settings)
    while not stop.is_set():
        gateway = _launch(settings)
        try:
            # Nobody waits at a door behind which nothing is yet.
            with _listening(address) as door:
                say("ready")
                _lend(door, gateway, stop)
        finally:
            gateway.proc.kill()
            gateway.proc.wait()


def _lend(door: socket.socket, gateway: JavaGateway, stop: Stop) -> None:
    """Lend the JVM to one job after another; come back when one hung up without a word."""
    parameters = gateway.gateway_parameters
    told = json.dumps({"port": str(parameters.port), "secret": parameters.auth_token}).encode() + b"\n"
    while not stop.is_set():
        with _next_in_line(door) as line:
            if _heard(line, told) != TAKEN:
                continue
            line.settimeout(None)
            if _heard(line) != DONE:
                return
        # What the job held is free now, and is given back to the machine.
        gateway.jvm.java.lang.System.gc()


def _next_in_line(door: socket.socket) -> socket.socket:
    """Give the line to the next job; after a while without one, a line to nobody."""
    try:
        line = door.accept()[0]
    except TimeoutError:
        line = socket.socket(socket.AF_UNIX)
    line.settimeout(PATIENCE)
    return line


def _heard(line: socket.socket, told: bytes = b"") -> bytes:
    """Give the answer to what is told; nothing from one that has gone, or takes too long."""
    try:
        line.sendall(told)
        return line.recv(len(TAKEN))
    except OSError:
        return b""


def _launch(settings: Settings) -> JavaGateway:
    chosen = SparkConf(loadDefaults=False).setAll([*conf(settings, "refresh").items()])
    return launch_gateway(chosen)  # type: ignore[no-untyped-call]


def _require_none(address: Path) -> None:
    with socket.socket(socket.AF_UNIX) as probe:
        if probe.connect_ex(str(address)) == 0:
            raise AlreadyRunning(f"a JVM is kept warm already, at {address}.")


@contextmanager
def _listening(address: Path) -> Iterator[socket.socket]:
    address.parent.mkdir(parents=True, exist_ok=True)
    address.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as door:
        # Whoever may connect may run anything in the JVM.
        before = os.umask(0o177)
        try:
            door.bind(str(address))
        finally:
            os.umask(before)
        door.listen(1)
        door.settimeout(PATIENCE)
        try:
            yield door
        finally:
            address.unlink(missing_ok=True)
