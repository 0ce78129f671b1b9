"""Server of a warm JVM that outlives the jobs which use it: it has loaded Spark's classes and compiled hot code.

It serves one job at a time. A job that disconnects without DONE may have left work behind that no lease covers any
more: the JVM is killed, and another one started.
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
from lakehouse.spark.jvm_environment import export_jvm_environment
from lakehouse.spark.session import conf
from lakehouse.spark.warm_jvm_client import ATTACHED, DONE, REPLY_TIMEOUT_S, short_path


def serve(settings: Settings, stop: StopSignal, log: Callable[[str], None]) -> None:
    """Serve a warm JVM to refreshes until `stop` is set. Raises LockHeld where another server listens."""
    address = settings.warm_jvm_socket
    address.parent.mkdir(parents=True, exist_ok=True)
    _ensure_no_other_server(address)
    export_jvm_environment(settings)
    while not stop.is_set():
        gateway = _launch(settings)
        try:
            # Listen only once the JVM runs, so that no job waits for one that is still starting.
            with _listen(address) as listener:
                log("ready")
                _serve_jobs(listener, gateway, stop)
        finally:
            gateway.proc.kill()
            gateway.proc.wait()


def _serve_jobs(listener: socket.socket, gateway: JavaGateway, stop: StopSignal) -> None:
    """Serve the JVM to one job after another; return when one disconnects without DONE, or `stop` is set."""
    parameters = gateway.gateway_parameters
    gateway_address = json.dumps({"port": str(parameters.port), "secret": parameters.auth_token}).encode() + b"\n"
    while not stop.is_set():
        with _accept(listener) as connection:
            if _exchange(connection, gateway_address) != ATTACHED:
                continue
            connection.settimeout(None)
            if _exchange(connection) != DONE:
                return
        # The job's memory is garbage now; a collection returns it to the machine.
        gateway.jvm.java.lang.System.gc()


def _accept(listener: socket.socket) -> socket.socket:
    """Return the connection of the next job, or an unconnected socket after REPLY_TIMEOUT_S without one."""
    try:
        connection = listener.accept()[0]
    except TimeoutError:
        connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(REPLY_TIMEOUT_S)
    return connection


def _exchange(connection: socket.socket, message: bytes = b"") -> bytes:
    """Send a message and return the reply; empty where the job has disconnected or does not reply in time."""
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
        with short_path(address) as path:
            is_served = probe.connect_ex(path) == 0
        if is_served:
            raise LockHeld(f"another process already serves a warm JVM at {address}.")


@contextmanager
def _listen(address: Path) -> Iterator[socket.socket]:
    address.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        # Whoever can connect can run any code in the JVM.
        previous_umask = os.umask(0o177)
        try:
            with short_path(address) as path:
                listener.bind(path)
        finally:
            os.umask(previous_umask)
        listener.listen(1)
        listener.settimeout(REPLY_TIMEOUT_S)
        try:
            yield listener
        finally:
            address.unlink(missing_ok=True)
