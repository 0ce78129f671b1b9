"""Every environment variable of the project, typed, in one class.

Precedence: the environment, `.local/run/addresses.env` (written by `make up` while the local services run),
`.env`, the default. The services of local mode get every value from their environment, and
LAKEHOUSE_ENVIRONMENT_ONLY is set there: they read no file of the checkout.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from lakehouse import variables
from lakehouse.env_file import Assignment, EnvError, read_env_file, read_generated_file
from lakehouse.environment import ENVIRONMENT_ONLY_VAR
from lakehouse.errors import UsageError
from lakehouse.logs import LogFormat
from lakehouse.private_file import read_secret_file

ROOT = Path(__file__).resolve().parents[2]
SAMPLE_DIR = ROOT / "data" / "sample"  # HR's two files of a fictive company
SECRETS_DIR = Path(".local/run/secrets")  # one file a secret, as everywhere that a setting ends in _FILE
LOCAL_ADDRESSES_FILE = ROOT / ".local" / "run" / "addresses.env"

SslMode = Annotated[str, Field(pattern=f"^({'|'.join(variables.SSL_MODES)})$")]
KafkaProtocol = Annotated[str, Field(pattern=f"^({'|'.join(variables.KAFKA_PROTOCOLS)})$")]
REDPANDA_CONTAINER_ADDRESS = "redpanda:9092"  # as containers know it

Port = Annotated[int, Field(ge=1, le=variables.MAX_PORT)]


def read_variables(env_file: Path | None, environment: Mapping[str, str]) -> dict[str, str]:
    """Return our variables by name, from the environment and, where there is a `env_file`, from the files.

    Raises UsageError for a file, a name or a value that cannot be used; it quotes no value.
    """
    try:
        written = read_env_file(env_file) if env_file else {}
        variables.check_names(written)
        running = read_generated_file(LOCAL_ADDRESSES_FILE) if env_file else {}
        merged = variables.merge([written, running, variables.from_environment(environment)])
    except EnvError as error:
        raise UsageError(str(error)) from None
    return {name: assignment.value for name, assignment in merged.items()}


class VariablesSource(PydanticBaseSettingsSource):
    """Pydantic's source of the values that `read_variables` returns."""

    def __init__(self, settings_class: type[BaseSettings], env_file: Path | None) -> None:
        super().__init__(settings_class)
        self._values = read_variables(env_file, os.environ)

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002
        return self._values.get(field_name.upper()), field_name, False

    def __call__(self) -> dict[str, Any]:
        return {name.lower(): value for name, value in self._values.items() if name in variables.SETTING_VARIABLES}


class Settings(BaseSettings):
    """The values that differ between machines: addresses, folders, secrets. Tuning is in spark/."""

    model_config = SettingsConfigDict(
        env_file=None if os.environ.get(ENVIRONMENT_ONLY_VAR) else ROOT / ".env",
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    db_host: str = "localhost"
    db_port: Port = 5432
    db_name: str = "rh_sport"
    db_user: str = "postgres"
    # No password has a default: where none is named, `make up` makes it at its first start, in a file of its own.
    db_password: SecretStr | None = None
    db_password_file: Path = SECRETS_DIR / "db-password"
    db_loader_password: SecretStr | None = None
    db_loader_password_file: Path = SECRETS_DIR / "db-loader-password"
    db_capture_password: SecretStr | None = None
    db_capture_password_file: Path = SECRETS_DIR / "db-capture-password"
    db_worker_password: SecretStr | None = None
    db_worker_password_file: Path = SECRETS_DIR / "db-worker-password"
    db_distance_password: SecretStr | None = None
    db_distance_password_file: Path = SECRETS_DIR / "db-distance-password"
    db_notifier_password: SecretStr | None = None
    db_notifier_password_file: Path = SECRETS_DIR / "db-notifier-password"
    db_reader_password: SecretStr | None = None
    db_reader_password_file: Path = SECRETS_DIR / "db-reader-password"
    # libpq's own variables (PGSSLMODE and the like) do not reach us: these are the same for all of our programs.
    db_sslmode: SslMode = "prefer"
    db_sslrootcert: Path | None = None
    db_sslcert: Path | None = None
    db_sslkey: Path | None = None

    kafka_port: Port = Field(default=19092, description="Redpanda's published port on this machine")
    kafka_bootstrap_servers: str = "localhost:19092"
    kafka_security_protocol: KafkaProtocol = Field(
        default="PLAINTEXT", description="SASL_PLAINTEXT in local mode, where each program has an account of Kafka's"
    )
    kafka_user: str = Field(default="admin", description="Kafka's administrator; a program of ours has its own")
    kafka_password: SecretStr | None = None
    kafka_password_file: Path = SECRETS_DIR / "kafka-password"
    kafka_connect_password: SecretStr | None = None
    kafka_connect_password_file: Path = SECRETS_DIR / "kafka-connect-password"
    kafka_controller_password: SecretStr | None = None
    kafka_controller_password_file: Path = SECRETS_DIR / "kafka-controller-password"
    kafka_stream_password: SecretStr | None = None
    kafka_stream_password_file: Path = SECRETS_DIR / "kafka-stream-password"
    kafka_refresh_password: SecretStr | None = None
    kafka_refresh_password_file: Path = SECRETS_DIR / "kafka-refresh-password"
    kafka_distance_password: SecretStr | None = None
    kafka_distance_password_file: Path = SECRETS_DIR / "kafka-distance-password"
    kafka_notifier_password: SecretStr | None = None
    kafka_notifier_password_file: Path = SECRETS_DIR / "kafka-notifier-password"
    kafka_controller_port: Port = Field(default=19093, description="the controller port of local mode's broker")
    connect_url: str = "http://localhost:8083"
    connect_password: SecretStr | None = None
    connect_password_file: Path = SECRETS_DIR / "connect-password"
    connector_db_host: str | None = Field(default=None, description="Postgres as Connect sees it, where that differs")
    connector_db_port: Port | None = None
    connector_db_password_file: Path = Field(
        default=Path("secrets/db-capture-password"),
        description="the capture login's password as Connect sees it, which reads it there; local Connect runs in run/",
    )

    postgres_data_dir: Path = Field(default=Path(".local/postgres/data"), description="local mode's Postgres")
    lake_uri: str = "data/delta"
    input_dir: Path = Path("data/input")
    output_dir: Path = Path("data/output")

    spark_master: str = "local[2]"
    tuning_dir: Path = Field(default=Path("spark"), description="the folder of the .conf files")
    java_home: Path | None = None
    warm_jvm_socket: Path = Field(default=Path(".local/run/warm"), description="the socket of the warm JVM")
    refresh_interval: str | None = Field(
        default=None, description="how often the local watcher refreshes at most; without it, `make up` starts none"
    )
    jars_dir: Path = Path(".local/jars")
    jvm_temp_dir: Path = Field(default=Path(".local/tmp"), description="for what JVMs and jobs leave in /tmp otherwise")
    spark_ui_port: Port | None = Field(default=None, description="the stream's UI; it listens on every interface")

    thrift_host: str = "localhost"
    thrift_bind: str = Field(default="127.0.0.1", description="the listen address; who reaches it reads salaries")
    thrift_port: Port = 10000
    thrift_owner_file: Path = Field(
        default=Path(".local/run/thrift/owner"), description="the views' initialiser's password"
    )
    thrift_users_file: Path = Field(
        default=Path(".local/run/thrift/users"), description="the readers' names, roles and hashed passwords"
    )
    thrift_publish: str | None = Field(default=None, description="where compose publishes the port, on this machine")
    thrift_certificate: Path | None = Field(default=None, description="PKCS12, for TLS on the Thrift port")
    thrift_certificate_password: SecretStr | None = None
    thrift_certificate_password_file: Path | None = None
    ldap_url: str | None = Field(default=None, description="the directory of those who are not in the users' file")
    ldap_user_dn: str | None = Field(default=None, description="how a person binds; {user} is the name")
    ldap_base_dn: str | None = Field(default=None, description="below it a person's entry is searched, where set")
    ldap_role_rh: str | None = Field(default=None, description="the group whose members have the role")
    ldap_role_direction: str | None = None

    access_journal_dir: Path = Field(
        default=Path(".local/access"), description="who read what: a line a session and a statement, without values"
    )
    access_journal_days: Annotated[int, Field(ge=1, le=variables.MAX_DAYS)] = Field(
        default=180, description="how long its lines stay; the CNIL advises six months to a year"
    )

    destination: str = "1362 Av. des Platanes, 34970 Lattes"
    api_key_maps_file: Path | None = None
    api_key_maps: SecretStr | None = Field(default=None, validate_default=True)
    maps_url: str = "https://routes.googleapis.com"
    slack_webhook_url_file: Path | None = None
    slack_webhook_url: SecretStr | None = Field(default=None, validate_default=True)

    log_format: LogFormat = "text"
    heartbeat_file: Path | None = Field(default=None, description="touched by a healthy service")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return our one reader in place of pydantic's readers, which read .env unlike docker-compose."""
        return init_settings, VariablesSource(settings_cls, getattr(dotenv_settings, "env_file", None))

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

    @field_validator("thrift_publish")
    @classmethod
    def _leave_to_containers(cls, address: str | None) -> str | None:
        """Ignore compose's address where there is no container: it would hide what THRIFT_BIND opens."""
        return address if os.environ.get(ENVIRONMENT_ONLY_VAR) else None

    @field_validator(
        "db_password_file",
        "db_loader_password_file",
        "db_capture_password_file",
        "db_worker_password_file",
        "db_distance_password_file",
        "db_notifier_password_file",
        "db_reader_password_file",
        "connect_password_file",
        "kafka_password_file",
        "kafka_connect_password_file",
        "kafka_controller_password_file",
        "kafka_stream_password_file",
        "kafka_refresh_password_file",
        "kafka_distance_password_file",
        "kafka_notifier_password_file",
        "input_dir",
        "output_dir",
        "jars_dir",
        "tuning_dir",
        "warm_jvm_socket",
        "postgres_data_dir",
        "jvm_temp_dir",
        "thrift_owner_file",
        "thrift_users_file",
        "access_journal_dir",
    )
    @classmethod
    def _resolve_in_checkout(cls, path: Path) -> Path:
        return ROOT / path

    @field_validator(
        "db_sslrootcert",
        "db_sslcert",
        "db_sslkey",
        "thrift_certificate",
        "thrift_certificate_password_file",
        "api_key_maps_file",
        "slack_webhook_url_file",
    )
    @classmethod
    def _resolve_if_named(cls, path: Path | None) -> Path | None:
        return path and ROOT / path

    @field_validator("api_key_maps", "slack_webhook_url")
    @classmethod
    def _read_from_its_file(cls, secret: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        """Take the text of the file that NAME_FILE names where there is no NAME; an empty file is none."""
        file: Path | None = info.data.get(f"{info.field_name}_file")
        if secret or file is None:
            return secret
        name = f"{info.field_name}".upper()
        try:
            text = read_secret_file(file)
            variables.check_value(name, Assignment(text, f"in the file of {name}_FILE"))
        except EnvError as error:
            raise UsageError(str(error)) from None
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{name}_FILE cannot be read ({type(error).__name__}).\nName a text file.") from None
        return SecretStr(text) if text else None

    @property
    def lake(self) -> str:
        """Return the root of the lake: an absolute path, or the configured URI."""
        return self.lake_uri if "://" in self.lake_uri else str(ROOT / self.lake_uri)

    @property
    def thrift_certificate_pem(self) -> Path:
        """Return the file in which the Thrift server writes its certificate at its start, for our own clients."""
        return self.thrift_owner_file.with_name("thrift-certificate.pem")
