"""The services of local mode, named like their containers."""

from pathlib import Path

from lakehouse.contracts import CAPTURED
from lakehouse.healthcheck import STREAM_HEARTBEAT_LIMIT_S, is_fresh
from lakehouse.local import connect, kafka, postgres_server, thrift
from lakehouse.local.java import java_home
from lakehouse.local.service import LOADER_SETTINGS, SPARK_SETTINGS, WORKER_SETTINGS, Service, job_command
from lakehouse.settings import Settings
from lakehouse.source import connector_controller
from lakehouse.source.roles import as_loader

DEFAULT_REFRESH_INTERVAL = "15s"


def services(home: Path, settings: Settings) -> list[Service]:
    """Return all services of a stack, in the order in which those without open dependencies start."""
    java = settings.java_home or java_home(home)
    return [
        postgres_server.service(home, settings),
        kafka.service(home, settings, java),
        _stream_processor(home, settings),
        thrift.service(home, settings),
        connect.service(home, settings, java),
        _connector_controller(settings),
        _worker(
            "distance-worker",
            "distance_worker.py",
            "db_distance_password_file",
            "kafka_distance_password_file",
            "api_key_maps_file",
            "maps_url",
        ),
        _worker(
            "slack-notifier",
            "slack_new_activity_notifier.py",
            "db_notifier_password_file",
            "kafka_notifier_password_file",
            "slack_webhook_url_file",
        ),
        _table_init(),
        _thrift_init(),
        _refresh_watcher(home, settings),
    ]


def _worker(name: str, script: str, *settings: str) -> Service:
    return Service(
        name=name,
        command=job_command(script),
        settings=(*WORKER_SETTINGS, *settings),
        depends_on=("kafka", "postgres"),
    )


def _connector_controller(settings: Settings) -> Service:
    return Service(
        name="connector-controller",
        command=job_command("register_connector.py"),
        settings=(
            *LOADER_SETTINGS,
            *("kafka_bootstrap_servers", "kafka_security_protocol", "kafka_controller_password_file"),
            *("connect_url", "connect_password_file", "log_format"),
        ),
        address=settings.connect_url,
        readiness=lambda: connector_controller.missing_for_readiness(as_loader(settings)),
        depends_on=("connect", "postgres"),
    )


def _stream_processor(home: Path, settings: Settings) -> Service:
    heartbeat = home / "run" / "stream-processor.heartbeat"

    def missing() -> str | None:
        if absent := _missing_tables(settings.lake):
            return absent
        return None if is_fresh(heartbeat, STREAM_HEARTBEAT_LIMIT_S) else "a heartbeat; its log says what it waits for"

    return Service(
        name="stream-processor",
        command=("env", f"HEARTBEAT_FILE={heartbeat}", *job_command("continuous_master_stream.py")),
        settings=(
            *WORKER_SETTINGS,
            "db_worker_password_file",
            "kafka_stream_password_file",
            *SPARK_SETTINGS,
            "warm_jvm_socket",
            "spark_ui_port",
        ),
        address=settings.lake,
        prepare=lambda: heartbeat.unlink(missing_ok=True),
        readiness=missing,
    )


def _table_init() -> Service:
    """Return the service that creates Silver's and Gold's empty tables, which the views need."""
    return Service(
        name="table-init",
        command=job_command("create_tables.py"),
        settings=(*LOADER_SETTINGS, "lake_uri"),
        depends_on=("postgres",),
        oneshot=True,
    )


def _thrift_init() -> Service:
    """Return the service that creates the views each time the server was started."""
    command = job_command("init_views.py", "--wait", "120")
    return Service(
        name="thrift-init",
        command=command,
        settings=(
            *("thrift_host", "thrift_port", "thrift_owner_file", "thrift_certificate"),
            *("lake_uri", "access_journal_dir", "log_format"),
        ),
        depends_on=("spark-thrift", "table-init"),
        oneshot=True,
    )


def _refresh_watcher(home: Path, settings: Settings) -> Service:
    """Return the service that keeps figures fresh, where an interval is set.

    Supervisord has its command from the first `make up` on, which may not know the interval yet: it is in a file.
    """
    interval_file = home / "run" / "refresh-interval"
    command = job_command("batch_refresh_silver_gold.py", "--watch")
    interval = settings.refresh_interval or DEFAULT_REFRESH_INTERVAL
    return Service(
        name="refresh-watcher",
        command=("sh", "-c", 'exec "$@" "$(cat "$0")"', str(interval_file), *command),
        settings=(
            *LOADER_SETTINGS,
            *("kafka_bootstrap_servers", "kafka_security_protocol", "kafka_refresh_password_file"),
            *("connect_url", "connect_password_file"),
            *SPARK_SETTINGS,
        ),
        address=f"at most every {interval}",
        prepare=lambda: _write(interval_file, interval),
        depends_on=("connector-controller", "stream-processor", "table-init"),
        stop_stage=0,  # a refresh waits for the services that it reads from
        stop_group=False,  # it ends its JVM itself
        optional=settings.refresh_interval is None,
        is_outdated=lambda: _read(interval_file) != interval,
    )


def _write(file: Path, text: str) -> None:
    file.write_text(text, encoding="ascii")


def _read(file: Path) -> str:
    return file.read_text(encoding="ascii") if file.exists() else ""


def _missing_tables(lake: str) -> str | None:
    """Return which Bronze tables a local lake lacks; on an object store the jobs wait by themselves."""
    if "://" in lake:
        return None
    tables = [contract.table for contract in CAPTURED]
    absent = [table for table in tables if not (Path(lake) / "bronze" / table / "_delta_log").is_dir()]
    return f"its tables in {lake}/bronze: {', '.join(absent)}" if absent else None
