"""The rights of each account of local mode's Kafka, and how its broker takes them.

What is not listed is refused. The administrator alone deletes, and no service is that.
"""

from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import NamedTuple

from kafka import KafkaAdminClient
from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
)
from kafka.errors import KafkaError, NoError

from lakehouse.contracts import CAPTURED
from lakehouse.contracts.company import TOPIC_PREFIX
from lakehouse.errors import NotReady
from lakehouse.kafka_login import (
    CONNECT_ACCOUNT,
    CONTROLLER_ACCOUNT,
    DISTANCE_ACCOUNT,
    NOTIFIER_ACCOUNT,
    REFRESH_ACCOUNT,
    STREAM_ACCOUNT,
)
from lakehouse.settings import Settings
from lakehouse.source import topics

ALL_RIGHTS = ACLFilter(
    principal=None,
    host=None,
    operation=ACLOperation.ANY,
    permission_type=ACLPermissionType.ANY,
    resource_pattern=ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY),
)


class Right(NamedTuple):
    """An operation of an account on a topic or a group, or on all whose names begin with `name`."""

    account: str
    operation: str
    name: str
    pattern: str = "LITERAL"
    resource: str = "TOPIC"


def rights() -> frozenset[Right]:
    """Return the rights of all accounts. Who may read or write a topic may also see that it is there."""
    return frozenset((*_connect_rights(), *_controller_rights(), *_reader_rights()))


def _connect_rights() -> Iterator[Right]:
    yield Right(CONNECT_ACCOUNT, "WRITE", f"{TOPIC_PREFIX}.", "PREFIXED")
    for name in topics.required_topics(topics.read_connector_config()):
        if not name.startswith(f"{TOPIC_PREFIX}."):
            yield Right(CONNECT_ACCOUNT, "WRITE", name)
    for operation in ("CREATE", "READ", "WRITE", "DESCRIBE_CONFIGS"):
        yield Right(CONNECT_ACCOUNT, operation, "connect-", "PREFIXED")  # its own topics
    yield Right(CONNECT_ACCOUNT, "READ", "connect", resource="GROUP")


def _controller_rights() -> Iterator[Right]:
    connector = topics.read_connector_config()
    for name in topics.required_topics(connector):
        yield Right(CONTROLLER_ACCOUNT, "CREATE", name)
        yield Right(CONTROLLER_ACCOUNT, "DESCRIBE", name)
    yield Right(CONTROLLER_ACCOUNT, "READ", topics.notification_topic(connector))


def _reader_rights() -> Iterator[Right]:
    captured = [contract.topic for contract in CAPTURED]
    signals = topics.topic_name("cdc.signal")
    readable = {
        STREAM_ACCOUNT: captured,
        REFRESH_ACCOUNT: [*captured, signals],  # its cut awaits a watermark there
        DISTANCE_ACCOUNT: [topics.topic_name("public.rh_employees"), topics.topic_name("public.reward_rules")],
        NOTIFIER_ACCOUNT: [topics.topic_name("public.strava_activities")],
    }
    for account, names in readable.items():
        for name in names:
            yield Right(account, "READ", name)
    yield Right(NOTIFIER_ACCOUNT, "READ", "slack-notifier", resource="GROUP")
    for account in (STREAM_ACCOUNT, REFRESH_ACCOUNT):
        yield Right(account, "READ", "spark-kafka-", "PREFIXED", "GROUP")  # one for each reader of Spark's


def grant_to_accounts(settings: Settings) -> None:
    """Let the broker allow the accounts' rights and no others, as its administrator."""
    with closing(topics.admin_client(settings)) as admin:
        grant(admin, rights())


def grant(admin: KafkaAdminClient, wanted: Iterable[Right]) -> None:
    """Let the broker allow these rights and no others. Raises NotReady where it does not."""
    acls = {_to_acl(right) for right in wanted}
    try:
        present, _ = admin.describe_acls(ALL_RIGHTS)
        surplus = [_to_filter(acl) for acl in present if acl not in acls]
        missing = [acl for acl in acls if acl not in present]
        removed = admin.delete_acls(surplus) if surplus else []
        failed = [error for *_, error in removed if error is not NoError]
        failed += admin.create_acls(missing)["failed"] if missing else []
    except KafkaError as error:
        raise NotReady(f"Kafka does not take the rights of its accounts ({type(error).__name__})") from error
    if failed:
        raise NotReady(f"Kafka refuses a right of its accounts ({failed[0].__name__})")


def _to_acl(right: Right) -> ACL:
    return ACL(
        principal=f"User:{right.account}",
        host="*",
        operation=ACLOperation[right.operation],
        permission_type=ACLPermissionType.ALLOW,
        resource_pattern=ResourcePattern(
            ResourceType[right.resource], right.name, ACLResourcePatternType[right.pattern]
        ),
    )


def _to_filter(acl: ACL) -> ACLFilter:
    pattern = acl.resource_pattern
    resource = ResourcePatternFilter(pattern.resource_type, pattern.resource_name, pattern.pattern_type)
    return ACLFilter(acl.principal, acl.host, acl.operation, acl.permission_type, resource)
