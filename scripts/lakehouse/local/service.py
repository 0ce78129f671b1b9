"""The definition of a service of local mode: its command, its dependencies, its readiness check."""

import sys
from collections.abc import Callable
from dataclasses import dataclass

from lakehouse.settings import ROOT

# Groups of settings that services declare.
POSTGRES_SETTINGS = ("db_host", "db_port", "db_name", "db_sslmode", "db_sslrootcert", "db_sslcert", "db_sslkey")
LOADER_SETTINGS = (*POSTGRES_SETTINGS, "db_loader_password_file")
WORKER_SETTINGS = (*POSTGRES_SETTINGS, "kafka_bootstrap_servers", "kafka_security_protocol", "log_format")
SPARK_SETTINGS = ("java_home", "jars_dir", "jvm_temp_dir", "spark_master", "tuning_dir", "lake_uri", "log_format")

JOBS_DIR = ROOT / "scripts" / "Jobs_Spark"


def _do_nothing() -> None:
    pass


def _describe_nothing(_pid: int) -> str:
    return ""


@dataclass(frozen=True)
class Service:
    """One supervised child process.

    `settings` names those that it is given, and it is given no others.
    `prepare` creates its folders and files, and can be repeated after an interruption anywhere.
    `readiness` returns what the service still lacks, or None once it answers.
    `on_ready` runs each time the service has just become ready.
    `protection` returns what keeps the process of a pid from data that is not its own, beyond its own checks.
    `depends_on` names the services that must be ready before this one starts.
    Services of a lower `stop_stage` stop first; `stop_group` signals the children too.
    An `optional` service starts only where it is named. `is_outdated` returns whether a running one has to start again,
    since its settings have changed.
    A `oneshot` service is ready once it has ended with exit code 0.
    `timeout`, in seconds, is for a service that hangs: a slow machine needs minutes, and an exit is noticed at once.
    """

    name: str
    command: tuple[str, ...]
    settings: tuple[str, ...] = ()
    address: str = ""
    readiness: Callable[[], str | None] = lambda: None
    prepare: Callable[[], None] = _do_nothing
    on_ready: Callable[[], None] = _do_nothing
    protection: Callable[[int], str] = _describe_nothing
    depends_on: tuple[str, ...] = ()
    stop_signal: str = "TERM"
    stop_stage: int = 1
    stop_group: bool = True
    oneshot: bool = False
    optional: bool = False
    is_outdated: Callable[[], bool] = lambda: False
    timeout: float = 300


def job_command(script: str, *arguments: str) -> tuple[str, ...]:
    """Return the command that runs an entry point of scripts/Jobs_Spark."""
    return (sys.executable, "-u", str(JOBS_DIR / script), *arguments)
