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

from lakehouse.errors import LockHeld
from lakehouse.retries import StopSignal
from lakehouse.settings import Settings
from lakehouse.spark.session import conf, export_jvm_environment
from lakehouse.spark.warm_jvm_client import ATTACHED, DONE, REPLY_TIMEOUT_S


def serve(settings: Settings, stop: StopSignal, log: Callable[[str], None]) -> None:
    """Keep a JVM for refreshes until asked to stop; AlreadyRunning where another keeper listens."""
    address = settings.warm_jvm_socket
    _ensure_no_other_server(address)
    export_jvm_environment(settings)
    while not stop.is_set():
        gateway = _launch(settings)
        try:
            # Nobody waits at a door behind which nothing is yet.
            with _listen(address) as listener:
                log("ready")
                _serve_jobs(listener, gateway, stop)
        finally:
            gateway.proc.kill()
            gateway.proc.wait()


def _serve_jobs(listener: socket.socket, gateway: JavaGateway, stop: StopSignal) -> None:
    """Lend the JVM to one job after another; come back when one hung up without a word."""
    parameters = gateway.gateway_parameters
    gateway_address = json.dumps({"port": str(parameters.port), "secret": parameters.auth_token}).encode() + b"\n"
    while not stop.is_set():
        with _accept(listener) as connection:
            if _exchange(connection, gateway_address) != ATTACHED:
                continue
            connection.settimeout(None)
            if _exchange(connection) != DONE:
                return
        # What the job held is free now, and is given back to the machine.
        gateway.jvm.java.lang.System.gc()


def _accept(listener: socket.socket) -> socket.socket:
    """Give the line to the next job; after a while without one, a line to nobody."""
    try:
        connection = listener.accept()[0]
    except TimeoutError:
        connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(REPLY_TIMEOUT_S)
    return connection


def _exchange(connection: socket.socket, message: bytes = b"") -> bytes:
    """Give the answer to what is told; nothing from one that has gone, or takes too long."""
    try:
        connection.sendall(message)
        return connection.recv(len(ATTACHED))
    except OSError:
        return b""


def _launch(settings: Settings) -> JavaGateway:
    spark_conf = SparkConf(loadDefaults=False).setAll([*conf(settings, "refresh").items()])
    return launch_gateway(spark_conf)  # type: ignore[no-untyped-call]


def _ensure_no_other_server(address: Path) -> None:
    with socket.socket(socket.AF_UNIX) as probe:
        if probe.connect_ex(str(address)) == 0:
            raise LockHeld(f"a JVM is kept warm already, at {address}.")


@contextmanager
def _listen(address: Path) -> Iterator[socket.socket]:
    address.parent.mkdir(parents=True, exist_ok=True)
    address.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        # Whoever may connect may run anything in the JVM.
        previous_umask = os.umask(0o177)
        try:
            listener.bind(str(address))
        finally:
            os.umask(previous_umask)
        listener.listen(1)
        listener.settimeout(REPLY_TIMEOUT_S)
        try:
            yield listener
        finally:
            address.unlink(missing_ok=True)
