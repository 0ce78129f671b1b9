"""The port on which py4j's JVM calls into Python, as it does for each batch of a stream."""

from typing import Any

from py4j.java_gateway import JavaObject
from pyspark.java_gateway import ensure_callback_server_started
from pyspark.sql import SparkSession


def authenticate_callbacks(spark: SparkSession) -> None:
    """Start to listen there, and let in the session's own JVM alone, by the token of its other port.

    PySpark starts that server without a token. The JVM's client loses its own where PySpark sets the port: py4j's
    PythonClient.copyWith leaves it out, so it is set again.
    """
    gateway: Any = spark.sparkContext._gateway  # noqa: SLF001 - PySpark has no other way to it
    token = gateway.gateway_parameters.auth_token
    gateway.callback_server_parameters.auth_token = token
    ensure_callback_server_started(gateway)  # type: ignore[no-untyped-call]
    client = JavaObject("GATEWAY_SERVER", gateway._gateway_client).getCallbackClient()  # noqa: SLF001
    field = client.getClass().getSuperclass().getDeclaredField("authToken")
    field.setAccessible(True)
    field.set(client, token)
