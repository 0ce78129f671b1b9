"""Law: a running service, its JVM included, has the settings that it declares in its environment, and no secret."""

import psutil

from lakehouse import variables
from lakehouse.local.secret_store import PASSWORDS
from lakehouse.local.services import services
from lakehouse.local.stack import Stack
from lakehouse.passwords import read_password
from support.processes import read_family

OWN = {"HEARTBEAT_FILE", "JAVA_HOME"}  # the stream's file, and what starts a JVM


def test_each_child_has_the_settings_of_its_service_and_no_secret(stack: Stack) -> None:
    webhook = stack.settings.slack_webhook_url
    assert webhook
    secrets = {*(read_password(stack.settings, name) for name in PASSWORDS), webhook.get_secret_value()}
    declared = {one.name: {name.upper() for name in one.settings} for one in services(stack.home, stack.settings)}
    checked = set()
    for service in stack.status():
        if service.pid is None or service.name == "postgres":  # Postgres writes its title over its environment
            continue
        for environment, words in read_family(psutil.Process(service.pid), lambda one: (one.environ(), one.cmdline())):
            assert {*environment} & {*variables.VARIABLES} <= declared[service.name] | OWN, service.name
            assert not [name for name, value in environment.items() if any(text in value for text in secrets)]
            assert not [word for word in words if any(text in word for text in secrets)]
        checked.add(service.name)
    assert checked == {
        *("kafka", "connect", "stream-processor", "spark-thrift"),
        *("connector-controller", "distance-worker", "slack-notifier"),
    }
