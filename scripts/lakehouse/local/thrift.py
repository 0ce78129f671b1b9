"""The Spark Thrift server: Gold's views for Power BI and beeline."""

from pathlib import Path

from lakehouse.errors import NotReady
from lakehouse.local.service import Service, job
from lakehouse.serving.client import query
from lakehouse.serving.server import WHOLE
from lakehouse.settings import Settings


def service(home: Path, settings: Settings) -> Service:
    """Give the Thrift server, with its catalog in home/thrift."""
    folder = home / "thrift"
    return Service(
        name="spark-thrift",
        command=job("thrift_server.py", "--catalog", str(folder)),
        address=f"{settings.thrift_host}:{settings.thrift_port}",
        missing=lambda: _missing(settings),
        first=(folder / WHOLE).touch,
    )


def _missing(settings: Settings) -> str | None:
    try:
        query(settings, "SELECT 1")
    except NotReady as error:
        return f"the Thrift server to answer ({error})"
    return None
