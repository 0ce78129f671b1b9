"""The services of the tests' stack: local mode's, and a Connect that looks for added partitions twice a second."""

from dataclasses import replace
from pathlib import Path

from lakehouse.local.service import Service
from lakehouse.local.services import services
from lakehouse.settings import Settings


def services_of_tests(home: Path, settings: Settings) -> list[Service]:
    """Return all services of a stack whose connectors' producers write to an added partition at once."""

    def quick(connect: Service) -> Service:
        return replace(connect, prepare=lambda: _add_setting(connect, home / "connect" / "worker.properties"))

    return [quick(one) if one.name == "connect" else one for one in services(home, settings)]


def _add_setting(connect: Service, worker: Path) -> None:
    connect.prepare()
    with worker.open("a", encoding="ascii") as file:
        # Of the worker, since a connector may not override it.
        file.write("producer.metadata.max.age.ms=500\n")
