"""The Thrift server of a running docker-compose refuses and answers what that of local mode does."""

import subprocess

import pytest

from lakehouse.compose import running_compose
from lakehouse.serving.client import execute, open_session
from lakehouse.settings import ROOT, Settings
from support.thrift_cases import NO_STATEMENTS, REFUSED_CONDITION, refusal, statements

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def compose_settings() -> Settings:
    """Return the address of this checkout's containers, as they name their lake and their broker."""
    command = running_compose(ROOT)
    if not command:
        pytest.skip("docker-compose does not run in this checkout: docker-compose up -d --build --wait")
    address = subprocess.run(
        [*command, "port", "spark-thrift", "10000"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    host, _, port = address.strip().rpartition(":")
    return Settings(_env_file=None).model_copy(  # type: ignore[call-arg]
        update={
            "thrift_host": host,
            "thrift_port": int(port),
            "lake_uri": "/data/delta",
            "kafka_bootstrap_servers": "redpanda:9092",
        }
    )


def test_each_statement_of_the_list_is_refused_by_compose(compose_settings: Settings) -> None:
    with open_session(compose_settings) as cursor:
        conditions = {sql: refusal(cursor, sql) for sql in statements("refused", compose_settings)}
        assert {
            sql: found for sql, found in conditions.items() if found not in {REFUSED_CONDITION, *NO_STATEMENTS}
        } == {}
        assert execute(cursor, "SELECT 1").rows == [(1,)]


def test_each_statement_of_the_other_list_is_answered_by_compose(compose_settings: Settings) -> None:
    with open_session(compose_settings) as cursor:
        answers = {sql: execute(cursor, sql).columns for sql in statements("answered", compose_settings)}
    assert answers["SELECT * FROM v_kpi"] == answers["TABLE gold.v_kpi"]
