"""The table of ports in the documentation has what the settings and the compose files say."""

import re

import pytest
from ruamel.yaml import YAML

from lakehouse.local import preflight
from lakehouse.local.service_addresses import LOCALHOST, port_of
from lakehouse.settings import ROOT, Settings
from lakehouse.spark.jvm_options import authentication_conf
from support.port_table import documented_ports

PUBLISHED = re.compile(r"(?:\$\{THRIFT_PUBLISH:-)?([\d.]+)\}?:\$\{(\w+):-(\d+)\}:\d+")


def test_documented_ports_of_local_mode_are_the_defaults_of_the_settings() -> None:
    fields = Settings.model_fields
    named = {port.variable: port.default for port in documented_ports("local") if port.variable}
    defaults = {name: fields[name.lower()].default for name in named}
    assert named == {name: value if isinstance(value, int) else port_of(value) for name, value in defaults.items()}
    assert {*named} == {variable for _, variable, _ in preflight.PORTS} | {"KAFKA_CONTROLLER_PORT"}


def test_documented_ports_of_compose_are_those_that_its_files_publish() -> None:
    published = {
        (name, *PUBLISHED.fullmatch(text).groups())  # type: ignore[union-attr]
        for file in ROOT.glob("docker-compose*.yml")
        for name, service in YAML(typ="safe").load(file.read_text(encoding="utf-8"))["services"].items()
        for text in service.get("ports", [])
    }
    documented = {
        (port.service, port.address, port.variable, str(port.default)) for port in documented_ports("compose")
    }
    assert documented == published


def test_every_documented_address_is_this_machine() -> None:
    ports = [*documented_ports("local"), *documented_ports("compose")]
    assert len(ports) > 15
    assert {port.address for port in ports} == {LOCALHOST}


@pytest.mark.parametrize(
    ("master", "authenticated"),
    [
        ("local", True),
        ("local[2]", True),
        ("local[*]", True),
        ("local[2,3]", True),
        ("local-cluster[2,1,1024]", False),  # Spark makes no secret there, and would not start
        ("spark://host:7077", False),
        ("yarn", False),
    ],
)
def test_spark_of_one_jvm_asks_for_a_secret_at_its_own_ports(master: str, authenticated: bool) -> None:
    conf = authentication_conf(Settings(spark_master=master))
    assert conf == ({"spark.authenticate": "true"} if authenticated else {})
