"""Keeps the connector: its topics, its registration, its running."""

import time

import httpx
import psycopg
from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from lakehouse.alive import sign
from lakehouse.cdc.source import READ_ANEW
from lakehouse.errors import NotReady
from lakehouse.logs import logger
from lakehouse.settings import Settings
from lakehouse.source import postgres, signals, topics
from lakehouse.source.connector import Connect, State, configuration, newly_captured
from lakehouse.waiting import Stop, carry_on, pauses

LOOK_EVERY = 3.0  # seconds
SLOW_START = 10.0
MAKE_SMALLER = f"Make its row smaller than {topics.LARGEST_MESSAGE >> 20} MiB. Then: {READ_ANEW}"

log = logger("registrar")


def keep(settings: Settings, stop: Stop, *, once: bool = False) -> None:
    """Make what is missing, register, and keep it running until asked to stop; `once` leaves when it runs."""
    carry_on(
        lambda: _session(settings, stop, once=once),
        away=(NotReady, *postgres.AWAY, KafkaError, httpx.HTTPError),
        say=log.warning,
        stop=stop,
    )


def healthy(settings: Settings) -> bool:
    """Whether Connect says that the connector and its tasks run."""
    try:
        with httpx.Client(base_url=settings.connect_url, timeout=5) as client:
            state = Connect(client).state()
    except httpx.HTTPError:
        return False
    return state is not None and state.runs


def _session(settings: Settings, stop: Stop, *, once: bool) -> None:
    admin = topics.admin(settings)
    try:
        with (
            postgres.connect(settings, autocommit=True) as conn,
            httpx.Client(base_url=settings.connect_url, timeout=30) as client,
        ):
            Registrar(settings, admin, conn, Connect(client)).watch(stop, once=once)
    finally:
        admin.close()


class Registrar:
    """One look after the other at the topics, the registration and the tasks."""

    def __init__(self, settings: Settings, admin: KafkaAdminClient, conn: psycopg.Connection, connect: Connect) -> None:
        self._admin, self._conn, self._connect = admin, conn, connect
        self._stated = topics.connector_file()
        self._wanted = configuration(self._stated, settings)
        self._restarts, self._next_restart = 0, 0.0
        self._unwell_since: float | None = None
        self._age_known = False
        self._well = sign(settings.alive_file)

    def watch(self, stop: Stop, *, once: bool) -> None:
        while not stop.is_set():
            ran = self.look()
            if ran:
                self._well()
            if ran and once:
                return
            stop.wait(LOOK_EVERY if ran else 0.5)

    def look(self) -> bool:
        """Mend what can be mended; give whether the connector runs, reads its slot, and is owed no snapshot."""
        for name in topics.create_missing(self._admin, topics.topics(self._stated)):
            log.info("topic made", topic=name)
        signals.require_published(self._conn, self._wanted)
        self._register()
        self.stop_where_older()
        state = self._connect.state()
        if state is not None and state.failed:
            self._restart(state)
        read_by = signals.reader(self._conn, self._wanted["slot.name"])
        if state is None or not state.runs or read_by is None:
            self._say_what_it_waits_for(state)
            return False
        self._say_that_it_runs()
        for table in signals.pay_snapshots(self._conn, read_by):
            log.info("snapshot asked", table=table)
        return not signals.owes_snapshots(self._conn)

    def _register(self) -> None:
        running = self._connect.config()
        if running is not None and {**running, "name": ""} == {**self._wanted, "name": ""}:
            return
        new = newly_captured(running, self._wanted)
        signals.owe_snapshots(self._conn, new, signals.reader(self._conn, self._wanted["slot.name"]))
        self._connect.register(self._wanted)
        log.info("connector registered", known_before=running is not None)

    def stop_where_older(self) -> None:
        """Stop the connector where Postgres's log ends before what was read: it would pass over all up to there.

        Asked once a session: a Postgres that is replaced ends it.
        """
        if self._age_known:
            return
        if self._connect.read_up_to() > postgres.wal_end(self._conn):
            self._connect.stop()
            log.error("Postgres is older than what was read from it: the connector is stopped", to_do=READ_ANEW)
        self._age_known = True

    def _restart(self, state: State) -> None:
        if time.monotonic() < self._next_restart:
            return
        self._restarts += 1
        wait = pauses(longest=60.0)(self._restarts)
        self._next_restart = time.monotonic() + wait
        if state.gap:
            log.error("changes were lost: the connector's slot no longer has what comes next", to_do=READ_ANEW)
        if state.too_large:
            log.error("a change is larger than Kafka takes, and all others wait behind it", to_do=MAKE_SMALLER)
        log.warning("restarting what failed", causes=sorted(set(state.causes)), next_try_in=wait)
        self._connect.restart_failed()

    def _say_that_it_runs(self) -> None:
        if self._unwell_since is not None or self._restarts:
            log.info("connector runs")
        self._unwell_since, self._restarts = None, 0

    def _say_what_it_waits_for(self, state: State | None) -> None:
        now = time.monotonic()
        self._unwell_since = self._unwell_since or now
        if now - self._unwell_since > SLOW_START:
            self._unwell_since = now
            if state is not None and state.stopped:
                log.warning("connector is stopped", to_do=f"If it was not stopped here, resume it. Else: {READ_ANEW}")
            elif signals.given_up(self._conn, self._wanted["slot.name"]):
                log.error("changes were lost: Postgres gave up the connector's slot", to_do=READ_ANEW)
            else:
                held_by = [f"pid {pid}, {age} s" for pid, age in signals.open_transactions(self._conn)]
                log.warning("connector does not run yet", slot_waits_for=held_by)
