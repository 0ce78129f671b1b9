"""A control loop for the Debezium connector: it creates topics, registers the connector and restarts failed tasks.

It also compares the settings of Postgres and of the connector with what capture needs, at each pass.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import closing

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from lakehouse.contracts import CAPTURED
from lakehouse.contracts.company import RESNAPSHOT_HINT
from lakehouse.errors import NotReady
from lakehouse.healthcheck import make_heartbeat
from lakehouse.http_session import HttpError
from lakehouse.logs import logger
from lakehouse.retries import StopSignal, exponential_backoff, retry_until_stopped
from lakehouse.settings import Settings
from lakehouse.source import capture_check, debezium_signals, postgres, replication_slot, topics
from lakehouse.source.capture_settings import Finding, compare_connector, compare_tables, unpublished_tables
from lakehouse.source.connect_client import (
    ConnectClient,
    ConnectorState,
    build_config,
    connect_session,
    newly_captured,
)
from lakehouse.source.snapshot_follower import SnapshotFollower

RECONCILE_INTERVAL_S = 3.0
WARN_NOT_RUNNING_AFTER_S = 10.0
REPEAT_FINDINGS_AFTER_S = 60.0
SHRINK_ROW_HINT = f"Make its row smaller than {topics.MAX_MESSAGE_BYTES >> 20} MiB. Then: {RESNAPSHOT_HINT}"

log = logger("connector-controller")


def run(settings: Settings, stop: StopSignal, *, once: bool = False) -> None:
    """Create, register and restart the connector until `stop` is set.

    With `once`, return as soon as the connector runs, no snapshot is owed and no setting loses changes. Retries
    through outages.
    """
    retry_until_stopped(
        lambda: _run_session(settings, stop, once=once),
        on=(NotReady, *postgres.TRANSIENT_ERRORS, KafkaError, HttpError),
        log=log.warning,
        stop=stop,
    )


def missing_for_readiness(settings: Settings) -> str | None:
    """Return what the connector lacks to run, or the first setting or failed snapshot that loses changes."""
    try:
        with connect_session(settings) as session:
            state = ConnectClient(session, settings.connect_url).state()
        if state is None or not state.is_running:
            return "the connector and its task to run"
        problems = capture_check.find_health_problems(settings)
    except HttpError:
        return "the connector and its task to run"
    except (NotReady, *postgres.TRANSIENT_ERRORS):
        return "Postgres to answer"
    return str(problems[0]) if problems else None


def _run_session(settings: Settings, stop: StopSignal, *, once: bool) -> None:
    admin = topics.admin_client(settings)
    try:
        with (
            postgres.connect(settings, autocommit=True) as conn,
            connect_session(settings, timeout=30) as session,
        ):
            connect_client = ConnectClient(session, settings.connect_url)
            controller = ConnectorController(settings, admin, conn, connect_client)
            with closing(controller):
                controller.reconcile_until_stopped(stop, once=once)
    finally:
        admin.close()


class ConnectorController:
    """A control loop over one connection each to Kafka, Postgres and Kafka Connect."""

    def __init__(
        self,
        settings: Settings,
        admin: KafkaAdminClient,
        conn: postgres.Connection,
        connect_client: ConnectClient,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare the loop; `clock` returns seconds."""
        self._admin, self._conn, self._connect_client = admin, conn, connect_client
        self._clock = clock
        self._base_config = topics.read_connector_config()
        self._desired_config = build_config(self._base_config, settings)
        self._restarts, self._next_restart_at = 0, clock()
        self._unhealthy_since: float | None = None
        self._rewind_checked = False
        self._heartbeat = make_heartbeat(settings.heartbeat_file)
        self._snapshots = SnapshotFollower(settings, conn, topics.notification_topic(self._desired_config), clock)
        self._registrations, self._next_registration_at = 0, clock()
        self._findings: list[Finding] = []
        self._findings_logged_at = clock()
        self.is_healthy = False

    def close(self) -> None:
        """Close what the loop opened itself; its connections are the caller's."""
        self._snapshots.close()

    def reconcile_until_stopped(self, stop: StopSignal, *, once: bool) -> None:
        """Reconcile every RECONCILE_INTERVAL_S while the connector is well, every 0.5 s while it is not."""
        while not stop.is_set():
            is_settled = self.reconcile_once()
            if self.is_healthy:
                self._heartbeat()
            if is_settled and once:
                return
            stop.wait(RECONCILE_INTERVAL_S if self.is_healthy or self._findings else 0.5)

    def reconcile_once(self) -> bool:
        """Create missing topics, register the connector, restart failed tasks, and follow requested snapshots.

        Return whether the connector runs and reads its slot, no snapshot is owed, and no setting loses changes.
        `is_healthy` is true also while a snapshot is in progress.
        """
        self.is_healthy = False
        for name in topics.create_missing_topics(self._admin, topics.required_topics(self._base_config)):
            log.info("topic_created", topic=name)
        tables = capture_check.read_table_settings(self._conn, self._desired_config)
        findings = compare_tables(tables, CAPTURED, self._desired_config["publication.name"])
        # Registered now, the connector would read an unpublished table once, and none of its later changes.
        if not unpublished_tables(tables):
            findings += self._register()
        self._log_findings(findings)
        self.stop_if_source_rewound()
        state = self._connect_client.state()
        if state is not None and state.has_failed:
            self._restart(state)
        reader_pid = replication_slot.slot_active_pid(self._conn, self._desired_config["slot.name"])
        if state is None or not state.is_running or reader_pid is None:
            self._log_not_running(state)
            return False
        self._log_running()
        owed = self._snapshots.follow(reader_pid)
        self.is_healthy = not findings and not any(snapshot.failure for snapshot in owed)
        return self.is_healthy and not owed

    def _register(self) -> list[Finding]:
        """Register the connector where it has other settings, and return those that it still has afterwards."""
        current = self._connect_client.config()
        if not self._differs(current):
            self._registrations = 0
            return []
        if self._clock() >= self._next_registration_at:
            new_tables = newly_captured(current, self._desired_config)
            debezium_signals.enqueue_snapshots(
                self._conn,
                new_tables,
                replication_slot.slot_active_pid(self._conn, self._desired_config["slot.name"]),
            )
            self._connect_client.register(self._desired_config)
            # Each registration restarts the connector, so one that changes nothing is not repeated at each pass.
            self._registrations += 1
            self._next_registration_at = self._clock() + exponential_backoff(maximum=60.0)(self._registrations)
            log.info("connector_registered", already_registered=current is not None)
            current = self._connect_client.config()
        return compare_connector(current, self._desired_config)

    def _differs(self, running: Mapping[str, str] | None) -> bool:
        return running is None or {**running, "name": ""} != {**self._desired_config, "name": ""}

    def _log_findings(self, findings: list[Finding]) -> None:
        """Log the findings when they change, and again every REPEAT_FINDINGS_AFTER_S."""
        now = self._clock()
        if findings == self._findings and (not findings or now - self._findings_logged_at < REPEAT_FINDINGS_AFTER_S):
            return
        for finding in findings:
            log.error("setting_loses_changes", table=finding.table, problem=finding.problem, hint=finding.remedy)
        if not findings:
            log.info("settings_restored", hint=f"What changed meanwhile may be lost: {RESNAPSHOT_HINT}")
        self._findings, self._findings_logged_at = findings, now

    def stop_if_source_rewound(self) -> None:
        """Stop the connector where the WAL ends before the LSN that it has read: a backup of Postgres was restored.

        The connector would skip all changes up to that LSN. Checked once a connection, which no restore survives.
        """
        if self._rewind_checked:
            return
        if self._connect_client.max_lsn() > postgres.current_wal_lsn(self._conn):
            self._connect_client.stop()
            log.error("source_rewound_connector_stopped", hint=RESNAPSHOT_HINT)
        self._rewind_checked = True

    def _restart(self, state: ConnectorState) -> None:
        if self._clock() < self._next_restart_at:
            return
        self._restarts += 1
        delay = exponential_backoff(maximum=60.0)(self._restarts)
        self._next_restart_at = self._clock() + delay
        if state.slot_lost:
            log.error("slot_position_lost", hint=RESNAPSHOT_HINT)
        if state.message_too_large:
            log.error("message_too_large", hint=SHRINK_ROW_HINT)
        log.warning("restarting_failed_tasks", causes=sorted(set(state.causes)), retry_in_s=delay)
        self._connect_client.restart_failed()

    def _log_running(self) -> None:
        if self._unhealthy_since is not None or self._restarts:
            log.info("connector_running")
        self._unhealthy_since, self._restarts = None, 0

    def _log_not_running(self, state: ConnectorState | None) -> None:
        now = self._clock()
        self._unhealthy_since = now if self._unhealthy_since is None else self._unhealthy_since
        if now - self._unhealthy_since > WARN_NOT_RUNNING_AFTER_S:
            self._unhealthy_since = now
            if state is not None and state.is_stopped:
                log.warning("connector_stopped", hint=f"If it was not stopped here, resume it. Else: {RESNAPSHOT_HINT}")
            elif replication_slot.is_slot_lost(self._conn, self._desired_config["slot.name"]):
                log.error("slot_lost", hint=RESNAPSHOT_HINT)
            else:
                blockers = [f"pid {pid}, {age} s" for pid, age in replication_slot.open_transactions(self._conn)]
                log.warning("connector_not_running", blocking_transactions=blockers)
