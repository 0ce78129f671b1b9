"""The Debezium connector: its configuration, and a client of the part of Kafka Connect's REST API that it needs."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import PurePath
from typing import Any
from urllib.parse import urlsplit

from lakehouse.contracts.company import TOPIC_PREFIX
from lakehouse.http_session import (
    DEFAULT_TIMEOUT_S,
    HttpError,
    HttpSession,
    Response,
    ensure_success,
    internal_session,
)
from lakehouse.passwords import read_password
from lakehouse.settings import Settings
from lakehouse.source.postgres import ssl_options
from lakehouse.source.roles import CAPTURE_ROLE
from lakehouse.source.topics import MAX_MESSAGE_BYTES, captured_tables

CONNECTOR_NAME = TOPIC_PREFIX
CONNECT_USER = "lakehouse"
OVERRIDE_PREFIX = "producer.override."
# It matches no column. With any filter, the query of an incremental snapshot names the columns that Debezium knows.
# Without one it is SELECT *: a generated column, which the stream does not have, then ends the snapshot.
NO_COLUMN = "no[.]such[.]column"
RUNNING, FAILED, STOPPED = "RUNNING", "FAILED", "STOPPED"
# The part of Debezium's error that says that its slot is gone, or no longer has the position it resumes from.
SLOT_LOST_MESSAGE = "no longer available on the server"
# The error of Kafka's producer for a message larger than MAX_MESSAGE_BYTES.
MESSAGE_TOO_LARGE_EXCEPTION = "RecordTooLargeException"


def build_config(base_config: Mapping[str, str], settings: Settings) -> dict[str, str]:
    """Return the connector's configuration: the repository's, with the addresses of the settings.

    Of the password it has a reference, which Connect resolves: whoever is shown the configuration does not see it.
    """
    return {
        "column.exclude.list": NO_COLUMN,
        **base_config,
        "database.hostname": settings.connector_db_host or settings.db_host,
        "database.port": str(settings.connector_db_port or settings.db_port),
        "database.dbname": settings.db_name,
        "database.user": CAPTURE_ROLE,
        "database.password": _reference(settings.connector_db_password_file),
        **{f"database.{name}": value for name, value in ssl_options(settings).items()},
        "producer.override.max.request.size": str(MAX_MESSAGE_BYTES),
    }


def client_overrides(config: Mapping[str, str]) -> list[str]:
    """Return the settings of Kafka's clients that a connector's configuration overrides; Connect allows no others."""
    return sorted(name.removeprefix(OVERRIDE_PREFIX) for name in config if name.startswith(OVERRIDE_PREFIX))


def newly_captured(current: Mapping[str, str] | None, desired: Mapping[str, str]) -> list[str]:
    """Return the tables, as schema.table, that the desired configuration captures and the current one does not.

    Returns none where `current` is None: the initial snapshot of a new connector reads every table.
    """
    if current is None:
        return []
    return [table for table in captured_tables(desired) if table not in captured_tables(current)]


@dataclass(frozen=True)
class ConnectorState:
    """The state of the connector and its tasks, as Kafka Connect reports it."""

    connector: str
    tasks: tuple[str, ...]
    causes: tuple[str, ...] = ()
    slot_lost: bool = False  # the position to resume from is no longer in Postgres's WAL
    message_too_large: bool = False  # Kafka refuses the next message

    @property
    def is_running(self) -> bool:
        """Return whether the connector and all its tasks run, and it has at least one task."""
        return bool(self.tasks) and {self.connector, *self.tasks} == {RUNNING}

    @property
    def has_failed(self) -> bool:
        return FAILED in {self.connector, *self.tasks}

    @property
    def is_stopped(self) -> bool:
        """Return whether the connector was stopped and its last task has ended."""
        return self.connector == STOPPED and not self.tasks


def connect_session(settings: Settings, timeout: float = DEFAULT_TIMEOUT_S) -> HttpSession:
    """Return a session that Connect lets in, by the credentials in its URL where that has some.

    Raises NotReady where there is no password.
    """
    if urlsplit(settings.connect_url).username is not None:
        return internal_session(timeout)
    return internal_session(timeout, login=(CONNECT_USER, read_password(settings, "connect_password")))


class ConnectClient:
    """A client of Kafka Connect's REST API. Its methods raise HttpError where Connect is unavailable or busy."""

    def __init__(self, session: HttpSession, url: str, name: str = CONNECTOR_NAME) -> None:
        self._session, self._url, self._path = session, url.rstrip("/"), f"/connectors/{name}"

    def config(self) -> dict[str, str] | None:
        """Return the connector's configuration, None where it is not registered."""
        config: dict[str, str] | None = self._get("/config")
        return config

    def state(self) -> ConnectorState | None:
        """Return the connector's state, None where it is not registered or has no state yet."""
        status = self._get("/status")
        return None if status is None else _parse_state(status)

    def max_lsn(self) -> int:
        """Return the largest LSN in the connector's stored offsets, 0 where it has stored none."""
        response = self._get("/offsets") or {"offsets": []}
        return max((int(entry["offset"].get("lsn") or 0) for entry in response["offsets"]), default=0)

    def register(self, config: Mapping[str, str]) -> None:
        """Create the connector, or replace its configuration."""
        self._request("PUT", "/config", json=dict(config))

    def restart_failed(self) -> None:
        self._request("POST", "/restart", params={"includeTasks": "true", "onlyFailed": "true"})

    def stop(self) -> None:
        """Stop the connector's tasks. Its configuration and offsets stay."""
        self._request("PUT", "/stop")

    def delete_offsets(self) -> None:
        """Delete the offsets of a stopped connector, so that it begins with an initial snapshot."""
        self._request("DELETE", "/offsets")

    def resume(self) -> None:
        self._request("PUT", "/resume")

    def _get(self, path: str) -> Any:
        response = self._request("GET", path, accepted=HTTPStatus.NOT_FOUND)
        return None if response.status_code == HTTPStatus.NOT_FOUND else response.json()

    def _request(self, method: str, path: str, accepted: HTTPStatus = HTTPStatus.OK, **options: Any) -> Response:
        """Return the response. Raises HttpError for any status but 2xx and `accepted`."""
        try:
            response = self._session.request(method, self._url + self._path + path, **options)
            return response if response.status_code == accepted else _ensure_success(response)
        except HttpError as error:
            raise HttpError(f"Kafka Connect: {method} {self._path}{path}: {error}") from error


def _ensure_success(response: Response) -> Response:
    if response.status_code == HTTPStatus.UNAUTHORIZED:
        raise HttpError("HTTP 401: Connect was started with another CONNECT_PASSWORD")
    return ensure_success(response)


def _reference(file: PurePath) -> str:
    """Return what Connect replaces by the text of a file, see `worker_properties` in local/connect.py."""
    return f"${{directory:{file.parent}:{file.name}}}"


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
    """Return the class name of the root cause. Its message stays out, because it may quote a row."""
    causes = [line for line in trace.splitlines() if line.startswith("Caused by: ")] or trace.splitlines()[:1]
    return causes[-1].removeprefix("Caused by: ").split(":")[0].strip() if causes else "unknown"
