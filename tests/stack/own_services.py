"""The services of the tests' stack: local mode's, with what harnesses need of Kafka and of Connect."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

from lakehouse.kafka_login import CONNECT_ACCOUNT
from lakehouse.local.kafka_rights import Right, grant, rights
from lakehouse.local.service import Service
from lakehouse.local.services import services
from lakehouse.settings import Settings
from lakehouse.source import topics


def services_of_tests(home: Path, settings: Settings) -> list[Service]:
    """Return all services of a stack for harnesses, whose databases, and so their topics, begin with `test_`.

    Connect may write such topics too, and its producers write to an added partition at once.
    """

    def adapt(one: Service) -> Service:
        if one.name == "kafka":
            return replace(one, on_ready=lambda: _grant(settings))
        if one.name == "connect":
            return replace(one, prepare=lambda: _add_setting(one, home / "connect" / "worker.properties"))
        return one

    return [adapt(one) for one in services(home, settings)]


def _grant(settings: Settings) -> None:
    prefixes = ("test_", "__debezium-heartbeat.test_", "__debezium-notifications.test_")
    own = {Right(CONNECT_ACCOUNT, "WRITE", prefix, "PREFIXED") for prefix in prefixes}
    with closing(topics.admin_client(settings)) as admin:
        grant(admin, rights() | own)


def _add_setting(connect: Service, worker: Path) -> None:
    connect.prepare()
    with worker.open("a", encoding="ascii") as file:
        # Of the worker, since a connector may not override it.
        file.write("producer.metadata.max.age.ms=500\n")
