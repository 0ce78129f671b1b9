"""The Debezium connector: its configuration, and Connect's REST interface as far as the registrar needs it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from lakehouse.cdc.contract import TOPIC_PREFIX
from lakehouse.settings import Settings
from lakehouse.source.roles import CAPTURE
from lakehouse.source.topics import LARGEST_MESSAGE, tables

NAME = TOPIC_PREFIX
RUNNING, FAILED, STOPPED = "RUNNING", "FAILED", "STOPPED"
# How Debezium says that its slot is gone, or went on without it.
GAP = "no longer available on the server"
# How Kafka's producer says that a message is larger than LARGEST_MESSAGE.
TOO_LARGE = "RecordTooLargeException"


def configuration(stated: Mapping[str, str], settings: Settings) -> dict[str, str]:
    """Give the connector as it is registered: what the repository states, this machine's addresses, the credentials."""
    return {
        **stated,
        "database.hostname": settings.connector_db_host or settings.db_host,
        "database.port": str(settings.connector_db_port or settings.db_port),
        "database.dbname": settings.db_name,
        "database.user": CAPTURE,
        "database.password": settings.db_capture_password.get_secret_value(),
        "producer.override.max.request.size": str(LARGEST_MESSAGE),
    }


def newly_captured(running: Mapping[str, str] | None, wanted: Mapping[str, str]) -> list[str]:
    """Give the tables that the running connector does not capture yet.

    None for a connector that does not run: its first snapshot takes in every table.
    """
    if running is None:
        return []
    return [table for table in tables(wanted) if table not in tables(running)]


@dataclass(frozen=True)
class State:
    """What Connect says of the connector and its tasks."""

    connector: str
    tasks: tuple[str, ...]
    causes: tuple[str, ...] = ()
    gap: bool = False  # what is to be read next is no longer in Postgres's log
    too_large: bool = False  # Kafka does not take what is to be sent next

    @property
    def runs(self) -> bool:
        """Whether the connector and at least one task run, and none does not."""
        return bool(self.tasks) and {self.connector, *self.tasks} == {RUNNING}

    @property
    def failed(self) -> bool:
        return FAILED in {self.connector, *self.tasks}

    @property
    def stopped(self) -> bool:
        """Whether the connector was stopped and its last task has ended."""
        return self.connector == STOPPED and not self.tasks


class Connect:
    """Connect's REST interface; raises httpx.HTTPError when it is away or busy."""

    def __init__(self, client: httpx.Client, name: str = NAME) -> None:
        self._client, self._path = client, f"/connectors/{name}"

    def config(self) -> dict[str, str] | None:
        """Give the connector's configuration, None where it is not registered."""
        found: dict[str, str] | None = self._get(f"{self._path}/config")
        return found

    def state(self) -> State | None:
        """Give the connector's state, None where it is not registered or has no state yet."""
        found = self._get(f"{self._path}/status")
        return None if found is None else _state(found)

    def read_up_to(self) -> int:
        """Give the last place in Postgres's log that the connector noted; 0 where it noted none."""
        found = self._get(f"{self._path}/offsets") or {"offsets": []}
        return max((int(one["offset"].get("lsn") or 0) for one in found["offsets"]), default=0)

    def register(self, config: Mapping[str, str]) -> None:
        self._client.put(f"{self._path}/config", json=dict(config)).raise_for_status()

    def restart_failed(self) -> None:
        restart = {"includeTasks": "true", "onlyFailed": "true"}
        self._client.post(f"{self._path}/restart", params=restart).raise_for_status()

    def stop(self) -> None:
        """End the tasks; the connector keeps its configuration and how far it had come."""
        self._client.put(f"{self._path}/stop").raise_for_status()

    def forget(self) -> None:
        """Forget how far the stopped connector had come."""
        self._client.delete(f"{self._path}/offsets").raise_for_status()

    def resume(self) -> None:
        self._client.put(f"{self._path}/resume").raise_for_status()

    def _get(self, path: str) -> Any:
        response = self._client.get(path)
        if response.status_code == httpx.codes.NOT_FOUND:
            return None
        return response.raise_for_status().json()


def _state(status: Mapping[str, Any]) -> State:
    parts = [status["connector"], *status["tasks"]]
    return State(
        connector=status["connector"]["state"],
        tasks=tuple(task["state"] for task in status["tasks"]),
        causes=tuple(_root_cause(part["trace"]) for part in parts if "trace" in part),
        gap=any(GAP in part.get("trace", "") for part in parts),
        too_large=any(TOO_LARGE in part.get("trace", "") for part in parts),
    )


def _root_cause(trace: str) -> str:
    """Give the class of the innermost error; its text stays out, for it may quote a row."""
    causes = [line for line in trace.splitlines() if line.startswith("Caused by: ")] or trace.splitlines()[:1]
    return causes[-1].removeprefix("Caused by: ").split(":")[0].strip() if causes else "unknown"
