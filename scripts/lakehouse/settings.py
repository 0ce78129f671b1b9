"""Every environment variable of the project, typed, in one class.

Precedence: the environment, `.local/run/addresses.env` (written by `make up` while the local services run),
`.env`, the default. The services of local mode get every value from their environment, and
LAKEHOUSE_ENVIRONMENT_ONLY is set there: they read no file of the checkout.
"""

import os
from pathlib import Path

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from lakehouse.logs import LogFormat

ROOT = Path(__file__).resolve().parents[2]
LOCAL_ADDRESSES_FILE = ROOT / ".local" / "run" / "addresses.env"

ENVIRONMENT_ONLY_VAR = "LAKEHOUSE_ENVIRONMENT_ONLY"
REDPANDA_CONTAINER_ADDRESS = "redpanda:9092"  # as containers know it


class Settings(BaseSettings):
    """The values that differ between machines: addresses, folders, secrets. Tuning is in spark/."""

    model_config = SettingsConfigDict(
        env_file=None if os.environ.get(ENVIRONMENT_ONLY_VAR) else (ROOT / ".env", LOCAL_ADDRESSES_FILE),
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
    )

    db_host: str = "localhost"
    db_port: int = 5432
    db_name: str = "rh_sport"
    db_user: str = "postgres"
    db_password: SecretStr = SecretStr("postgres")
    db_capture_password: SecretStr = SecretStr("capture")
    db_worker_password: SecretStr = SecretStr("worker")
    db_reader_password: SecretStr = SecretStr("reader")

    kafka_port: int = Field(default=19092, description="Redpanda's published port on this machine")
    kafka_bootstrap_servers: str = "localhost:19092"
    kafka_controller_port: int = Field(default=19093, description="the controller port of local mode's broker")
    connect_url: str = "http://localhost:8083"
    connector_db_host: str | None = Field(default=None, description="Postgres as Connect sees it, where that differs")
    connector_db_port: int | None = None

    lake_uri: str = "data/delta"
    input_dir: Path = Path("data/input")
    output_dir: Path = Path("data/output")

    spark_master: str = "local[2]"
    tuning_dir: Path = Field(default=Path("spark"), description="the folder of the .conf files")
    java_home: Path | None = None
    warm_jvm_socket: Path = Field(default=Path(".local/run/warm"), description="the socket of the warm JVM")
    jars_dir: Path = Path(".local/jars")
    spark_ui_port: int | None = Field(default=None, description="the stream's UI; it listens on every interface")

    thrift_host: str = "localhost"
    thrift_bind: str = Field(default="127.0.0.1", description="the listen address; who reaches it reads salaries")
    thrift_port: int = 10000
    thrift_owner_file: Path = Field(
        default=Path(".local/run/thrift-owner"), description="the views' initialiser's password"
    )

    destination: str = "1362 Av. des Platanes, 34970 Lattes"
    api_key_maps: SecretStr | None = None
    maps_url: str = "https://routes.googleapis.com"
    slack_webhook_url: SecretStr | None = None

    log_format: LogFormat = "text"
    heartbeat_file: Path | None = Field(default=None, description="touched by a healthy service")

    @field_validator("kafka_bootstrap_servers")
    @classmethod
    def _rewrite_container_address(cls, address: str, info: ValidationInfo) -> str:
        """Replace the address that only containers resolve by the published port, so that one .env serves both."""
        environment_only = os.environ.get(ENVIRONMENT_ONLY_VAR)
        return (
            address
            if environment_only or address != REDPANDA_CONTAINER_ADDRESS
            else f"localhost:{info.data.get('kafka_port')}"
        )

    @field_validator("input_dir", "output_dir", "jars_dir", "tuning_dir", "warm_jvm_socket", "thrift_owner_file")
    @classmethod
    def _resolve_in_checkout(cls, path: Path) -> Path:
        return ROOT / path

    @property
    def lake(self) -> str:
        """Return the root of the lake: an absolute path, or the configured URI."""
        return self.lake_uri if "://" in self.lake_uri else str(ROOT / self.lake_uri)
