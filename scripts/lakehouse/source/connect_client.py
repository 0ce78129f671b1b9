"""The Debezium connector: its configuration, and Connect's REST interface as far as the registrar needs it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from lakehouse.cdc.contract import TOPIC_PREFIX
from lakehouse.settings import Settings
from lakehouse.source.roles import CAPTURE_ROLE
from lakehouse.source.topics import MAX_MESSAGE_BYTES, captured_tables

CONNECTOR_NAME = TOPIC_PREFIX
RUNNING, FAILED, STOPPED = "RUNNING", "FAILED", "STOPPED"
# How Debezium says that its slot is gone, or went on without it.
SLOT_LOST_MESSAGE = "no longer available on the server"
# How Kafka's producer says that a message is larger than LARGEST_MESSAGE.
MESSAGE_TOO_LARGE_EXCEPTION = "RecordTooLargeException"


def build_config(base_config: Mapping[str, str], settings: Settings) -> dict[str, str]:
    """Give the connector as it is registered: what the repository states, this machine's addresses, the credentials."""
    return {
        **base_config,
        "database.hostname": settings.connector_db_host or settings.db_host,
        "database.port": str(settings.connector_db_port or settings.db_port),
        "database.dbname": settings.db_name,
        "database.user": CAPTURE_ROLE,
        "database.password": settings.db_capture_password.get_secret_value(),
        "producer.override.max.request.size": str(MAX_MESSAGE_BYTES),
    }


def newly_captured(current: Mapping[str, str] | None, desired: Mapping[str, str]) -> list[str]:
    """Give the tables that the running connector does not capture yet.

    None for a connector that does not run: its first snapshot takes in every table.
    """
    if current is None:
        return []
    return [table for table in captured_tables(desired) if table not in captured_tables(current)]


@dataclass(frozen=True)
class ConnectorState:
    """What Connect says of the connector and its tasks."""

    connector: str
    tasks: tuple[str, ...]
    causes: tuple[str, ...] = ()
    slot_lost: bool = False  # what is to be read next is no longer in Postgres's log
    message_too_large: bool = False  # Kafka does not take what is to be sent next

    @property
    def is_running(self) -> bool:
        """Whether the connector and at least one task run, and none does not."""
        return bool(self.tasks) and {self.connector, *self.tasks} == {RUNNING}

    @property
    def has_failed(self) -> bool:
        return FAILED in {self.connector, *self.tasks}

    @property
    def is_stopped(self) -> bool:
        """Whether the connector was stopped and its last task has ended."""
        return self.connector == STOPPED and not self.tasks


class ConnectClient:
    """Connect's REST interface; raises httpx.HTTPError when it is away or busy."""

    def __init__(self, client: httpx.Client, name: str = CONNECTOR_NAME) -> None:
        self._client, self._path = client, f"/connectors/{name}"

    def config(self) -> dict[str, str] | None:
        """Give the connector's configuration, None where it is not registered."""
        found: dict[str, str] | None = self._get(f"{self._path}/config")
        return found

    def state(self) -> ConnectorState | None:
        """Give the connector's state, None where it is not registered or has no state yet."""
        found = self._get(f"{self._path}/status")
        return None if found is None else _parse_state(found)

    def max_lsn(self) -> int:
        """Give the last place in Postgres's log that the connector noted; 0 where it noted none."""
        found = self._get(f"{self._path}/offsets") or {"offsets": []}
        return max((int(entry["offset"].get("lsn") or 0) for entry in found["offsets"]), default=0)

    def register(self, config: Mapping[str, str]) -> None:
        self._client.put(f"{self._path}/config", json=dict(config)).raise_for_status()

    def restart_failed(self) -> None:
        restart = {"includeTasks": "true", "onlyFailed": "true"}
        self._client.post(f"{self._path}/restart", params=restart).raise_for_status()

    def stop(self) -> None:
        """End the tasks; the connector keeps its configuration and how far it had come."""
        self._client.put(f"{self._path}/stop").raise_for_status()

    def delete_offsets(self) -> None:
        """Forget how far the stopped connector had come."""
        self._client.delete(f"{self._path}/offsets").raise_for_status()

    def resume(self) -> None:
        self._client.put(f"{self._path}/resume").raise_for_status()

    def _get(self, path: str) -> Any:
        response = self._client.get(path)
        if response.status_code == httpx.codes.NOT_FOUND:
            return None
        return response.raise_for_status().json()


def _parse_state(status: Mapping[str, Any]) -> ConnectorState:
    parts = [status["connector"], *status["tasks"]]
    return ConnectorState(
        connector=status["connector"]["state"],
        tasks=tuple(task["state"] for task in status["tasks"]),
        causes=tuple(_root_cause_class(part["trace"]) for part in parts if "trace" in part),
        slot_lost=any(SLOT_LOST_MESSAGE in part.get("trace", "") for part in parts),
        message_too_large=any(MESSAGE_TOO_LARGE_EXCEPTION in part.get("trace", "") for part in parts),
    )


def _root_cause_class(trace: str) -> str:
    """Give the class of the innermost error; its text stays out, for it may quote a row."""
    causes = [line for line in trace.splitlines() if line.startswith("Caused by: ")] or trace.splitlines()[:1]
    return causes[-1].removeprefix("Caused by: ").split(":")[0].strip() if causes else "unknown"
