"""Law: Kafka knows who asks; an account does what its service needs, and none but the administrator deletes."""

from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import ClusterAuthorizationFailedError, KafkaError, TopicAuthorizationFailedError
from pydantic import SecretStr
from pyspark.sql import SparkSession

from lakehouse.cdc.table_store import TableStore
from lakehouse.contracts import CAPTURED
from lakehouse.contracts.strava_activities import STRAVA_ACTIVITIES
from lakehouse.kafka_login import (
    ACCOUNTS,
    ADMINISTRATOR,
    CONNECT_ACCOUNT,
    CONTROLLER_ACCOUNT,
    REFRESH_ACCOUNT,
    as_account,
    client_config,
    spark_options,
)
from lakehouse.local.kafka_rights import ALL_RIGHTS, rights
from lakehouse.settings import Settings
from lakehouse.source import consistent_cut, topics
from lakehouse.source.roles import as_loader
from support.timing import seconds

SERVICES = sorted({*ACCOUNTS} - {ADMINISTRATOR})
READERS = [account for account in SERVICES if account not in {CONNECT_ACCOUNT, CONTROLLER_ACCOUNT}]
ACTIVITIES = topics.topic_name("public.strava_activities")
NEW_TOPIC = {"num_partitions": 1, "replication_factor": 1}
CHANGES: Mapping[str, Callable[[KafkaAdminClient], object]] = {
    "delete a topic": lambda admin: admin.delete_topics([ACTIVITIES]),
    "delete its own topics": lambda admin: admin.delete_topics(["connect-offsets"]),
    "create another topic": lambda admin: admin.create_topics({"rh_sport.public.other": NEW_TOPIC}),
    "create a topic elsewhere": lambda admin: admin.create_topics({"elsewhere": NEW_TOPIC}),
    "add partitions": lambda admin: admin.create_partitions({ACTIVITIES: 2}),
    "see the rights": lambda admin: admin.describe_acls(ALL_RIGHTS),
}
REFUSED = (TopicAuthorizationFailedError, ClusterAuthorizationFailedError)


@pytest.mark.parametrize("account", SERVICES)
def test_account_of_a_service_deletes_nothing_and_changes_no_topic(settings: Settings, account: str) -> None:
    with closing(topics.admin_client(as_account(settings, account))) as admin:
        for change in CHANGES.values():
            with pytest.raises(REFUSED):
                change(admin)
        visible = {*admin.list_topics()}
        for topic in visible:
            with pytest.raises(TopicAuthorizationFailedError):
                admin.delete_records({TopicPartition(topic, 0): 1})


@pytest.mark.parametrize("account", [*READERS, CONTROLLER_ACCOUNT])
def test_account_sees_its_topics_alone_and_writes_none(settings: Settings, account: str) -> None:
    own = as_account(settings, account)
    with closing(topics.admin_client(own)) as admin:
        assert {*admin.list_topics()} == {
            right.name for right in rights() if right.account == account and right.resource == "TOPIC"
        }
    with closing(KafkaProducer(**client_config(own), enable_idempotence=False)) as producer:
        for topic in (ACTIVITIES, topics.topic_name("cdc.signal"), "connect-configs"):
            with pytest.raises(TopicAuthorizationFailedError):
                producer.send(topic, b"{}", key=b"{}").get(timeout=30)


@pytest.mark.parametrize("account", [CONNECT_ACCOUNT, CONTROLLER_ACCOUNT])
def test_who_captures_reads_no_row(settings: Settings, account: str) -> None:
    with closing(KafkaConsumer(**client_config(as_account(settings, account)))) as consumer:
        consumer.assign([TopicPartition(ACTIVITIES, 0)])
        consumer.seek(TopicPartition(ACTIVITIES, 0), 0)
        with pytest.raises(TopicAuthorizationFailedError):
            consumer.poll(30_000)


def test_refresh_cuts_and_reads_with_its_own_account(settings: Settings, spark: SparkSession) -> None:
    own = as_loader(settings)
    cut = consistent_cut.wait_for_consistent_cut(own, TableStore(own.lake), CAPTURED, timeout=seconds(60))
    assert cut.keys() == {contract.table for contract in CAPTURED}
    messages = spark.read.format("kafka").options(**spark_options(own)).option("subscribe", ACTIVITIES).load()
    assert messages.count() == sum(end + 1 for end in cut[STRAVA_ACTIVITIES.table].values())
    assert (own.kafka_user, settings.kafka_user) == (REFRESH_ACCOUNT, ADMINISTRATOR)


@pytest.mark.parametrize(
    "stranger",
    [
        {"kafka_security_protocol": "PLAINTEXT"},
        {"kafka_password": SecretStr("x")},
        {"kafka_user": "root"},
        {"kafka_user": CONNECT_ACCOUNT},  # with the administrator's password
    ],
    ids=["without an account", "wrong password", "unknown", "another's password"],
)
def test_stranger_is_refused(settings: Settings, stranger: Mapping[str, Any]) -> None:
    other = settings.model_copy(update=dict(stranger))
    with (
        pytest.raises(KafkaError),
        closing(KafkaAdminClient(**client_config(other), bootstrap_timeout_ms=1_500)) as admin,
    ):
        admin.list_topics()


def test_broker_allows_what_is_listed_and_the_tests_own(settings: Settings) -> None:
    with closing(topics.admin_client(settings)) as admin:
        acls, _ = admin.describe_acls(ALL_RIGHTS)
    present = {
        (
            acl.principal.removeprefix("User:"),
            acl.operation.name,
            acl.resource_pattern.resource_name,
            acl.resource_pattern.pattern_type.name,
            acl.resource_pattern.resource_type.name,
        )
        for acl in acls
    }
    of_tests = {name for name in present if "test_" in name[2]}
    assert present - of_tests == rights()
    assert {(account, operation) for account, operation, *_ in of_tests} == {(CONNECT_ACCOUNT, "WRITE")}
