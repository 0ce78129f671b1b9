"""Law: docker-compose.yml has the documented names and ports, and the settings of local mode."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from lakehouse import properties
from lakehouse.env_file import Assignment
from lakehouse.local.connect import worker_properties
from lakehouse.local.secret_volumes import NAMES
from lakehouse.local.services import DEFAULT_REFRESH_INTERVAL
from lakehouse.settings import ROOT, SAMPLE_DIR, Settings
from lakehouse.source.connect_client import CONNECT_USER
from lakehouse.source.roles import LOADER_ROLE
from lakehouse.variables import check_value

COMPOSE_FILE = ROOT / "docker-compose.yml"
COMPOSE_TEXT = COMPOSE_FILE.read_text(encoding="utf-8")
VARIABLE = re.compile(r"\$\{(\w+)(:-[^}]*)?\}")
MIB, GIB = 1 << 20, 1 << 30
# How a debezium/connect image turns its environment variables into a worker's properties.
CONNECT_PROPERTY_NAMES = {
    "BOOTSTRAP_SERVERS": "bootstrap.servers",
    "GROUP_ID": "group.id",
    "CONFIG_STORAGE_TOPIC": "config.storage.topic",
    "OFFSET_STORAGE_TOPIC": "offset.storage.topic",
    "STATUS_STORAGE_TOPIC": "status.storage.topic",
    "OFFSET_FLUSH_INTERVAL_MS": "offset.flush.interval.ms",
    "SHUTDOWN_TIMEOUT": "task.shutdown.graceful.timeout.ms",
}
# The JVM's. A collector named in HEAP_OPTS would be a second one next to Kafka's own.
JVM_VARIABLES = {
    "HEAP_OPTS": "-Xmx512m",
    "KAFKA_JVM_PERFORMANCE_OPTS": "-XX:+UseSerialGC -XX:+ExitOnOutOfMemoryError",
}
JSON = "org.apache.kafka.connect.json.JsonConverter"
CONTAINER_NAMES = {
    "postgres": "postgres-sport",
    "pipeline": "pipeline-runner",
    "secrets": "secrets",
    **{
        name: name
        for name in (
            "postgres-init", "redpanda", "debezium", "debezium-init", "stream-processor", "distance-worker",
            "slack-notifier", "refresh-watcher", "spark-thrift", "thrift-init",
        )
    },
}  # fmt: skip


def _services() -> Mapping[str, Mapping[str, Any]]:
    """Return the services as without a .env file: every variable has its default."""
    with_defaults = VARIABLE.sub(lambda match: (match[2] or "")[2:], COMPOSE_TEXT)
    services: Mapping[str, Mapping[str, Any]] = YAML(typ="safe").load(with_defaults)["services"]
    return services


SERVICES = _services()
PUBLISHING = YAML(typ="safe").load((ROOT / "docker-compose.kafka.yml").read_text(encoding="utf-8"))["services"]
OUR_SERVICES = {name: service for name, service in SERVICES.items() if "build" in service}
ONE_SHOTS = {"secrets", "postgres-init"}  # they exit before the others start
each_service = pytest.mark.parametrize("name", SERVICES)


def _bytes(text: str) -> int:
    assert text.endswith("m")
    return int(text[:-1]) * MIB


def _mounts(service: Mapping[str, Any]) -> Iterator[tuple[str, str, bool]]:
    for volume in service.get("volumes", []):
        if ":" not in volume:  # the container's own
            continue
        source, target, *mode = volume.split(":")
        yield source, target, mode == ["ro"]


def test_compose_file_is_valid_against_the_compose_schema() -> None:
    check = [str(Path(sys.executable).with_name("check-jsonschema")), "--builtin-schema", "vendor.compose-spec"]
    completed = subprocess.run([*check, str(COMPOSE_FILE)], capture_output=True, text=True, check=False)
    assert completed.returncode == 0, completed.stdout


def test_the_containers_are_named_as_documented() -> None:
    assert {name: service["container_name"] for name, service in SERVICES.items()} == CONTAINER_NAMES


def test_every_variable_has_a_default() -> None:
    assert COMPOSE_TEXT.count("${") == len([match for match in VARIABLE.finditer(COMPOSE_TEXT) if match[2]])
    assert not re.search(r"\$[A-Za-z]", COMPOSE_TEXT)


def test_every_compose_variable_is_in_env_example() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert not [
        name for name, _ in VARIABLE.findall(COMPOSE_TEXT) if not re.search(rf"^(# )?{name}=", example, re.MULTILINE)
    ]


@pytest.mark.parametrize(
    ("name", "job"),
    [
        ("pipeline", "refresh"),
        ("refresh-watcher", "refresh"),
        ("stream-processor", "stream"),
        ("spark-thrift", "thrift"),
    ],
)
def test_job_heap_leaves_440_mib_below_its_memory_limit(name: str, job: str) -> None:
    conf = (ROOT / "spark" / f"{job}.conf").read_text(encoding="utf-8")
    [(heap, unit)] = re.findall(r"^spark\.driver\.memory +(\d+)([mg])$", conf, re.MULTILINE)
    assert _bytes(SERVICES[name]["mem_limit"]) - int(heap) * (GIB if unit == "g" else MIB) >= 440 * MIB


@each_service
def test_service_has_memory_limit_healthcheck_restart_and_log_rotation(name: str) -> None:
    service = SERVICES[name]
    assert _bytes(service["mem_limit"]) > 0
    assert service["logging"]["options"]["max-size"]
    if name in {"pipeline", *ONE_SHOTS}:  # others wait for its exit
        assert service["restart"] == "on-failure:2"
        waiting = [other["depends_on"] for other in SERVICES.values() if name in other.get("depends_on", {})]
        assert {depends_on[name]["condition"] for depends_on in waiting} == {"service_completed_successfully"}
    else:
        assert service["restart"] == "unless-stopped"
        assert service["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}


@pytest.mark.parametrize("name", OUR_SERVICES)
def test_healthcheck_of_our_image_starts_no_python(name: str) -> None:
    healthcheck = OUR_SERVICES[name]["healthcheck"]
    if healthcheck != {"disable": True}:
        shell, script, *_ = healthcheck["test"][1:]
        assert shell == "sh"
        assert (ROOT / script).is_file()


def test_all_limits_together_fit_into_8_gib_and_a_profile_comes_on_top() -> None:
    profiles = {name: service["profiles"] for name, service in SERVICES.items() if "profiles" in service}
    assert profiles == {"refresh-watcher": ["live"]}
    by_default = SERVICES.keys() - ONE_SHOTS - profiles.keys()
    assert sum(_bytes(SERVICES[name]["mem_limit"]) for name in by_default) <= 8 * GIB


def test_watcher_of_the_profile_has_what_a_refresh_by_hand_has_and_no_service_waits_for_it() -> None:
    watcher, pipeline = SERVICES["refresh-watcher"], SERVICES["pipeline"]
    assert watcher["command"] == [
        *("python", "scripts/Jobs_Spark/batch_refresh_silver_gold.py", "--watch", DEFAULT_REFRESH_INTERVAL)
    ]
    of_the_load = {"DB_USER", "THRIFT_USERS_FILE", "ACCESS_JOURNAL_DIR", "ACCESS_JOURNAL_DAYS", "DESTINATION"}
    in_pipeline = {name: value for name, value in pipeline["environment"].items() if name not in of_the_load}
    assert watcher["environment"] == {name: value for name, value in in_pipeline.items() if name != "API_KEY_MAPS"}
    assert watcher["mem_limit"] == pipeline["mem_limit"]
    assert not [name for name, service in SERVICES.items() if "refresh-watcher" in service.get("depends_on", {})]


@each_service
def test_an_image_is_pinned_to_an_exact_version(name: str) -> None:
    if name not in OUR_SERVICES:
        assert re.search(r":v?\d+\.\d+(\.\d+)?", SERVICES[name]["image"])
        assert f"{{{name.upper()}_IMAGE:-" in COMPOSE_TEXT


def test_base_image_of_our_dockerfile_is_pinned() -> None:
    dockerfile = (ROOT / "scripts" / "Dockerfile").read_text(encoding="utf-8")
    [default] = re.findall(r"^ARG PYTHON_IMAGE=(python:3\.\d+\.\d+-\S+)$", dockerfile, re.MULTILINE)
    assert OUR_SERVICES["pipeline"]["build"]["args"] == {"PYTHON_IMAGE": default}


@each_service
def test_published_ports_are_bound_to_localhost(name: str) -> None:
    for port in SERVICES[name].get("ports", []):
        assert re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port)


def test_the_ports_are_the_documented_ones() -> None:
    outside = {int(port.split(":")[1]) for service in SERVICES.values() for port in service.get("ports", [])}
    assert outside == {5432, 10000}


def test_page_of_spark_is_published_by_an_override_alone_and_ends_no_work() -> None:
    override = YAML(typ="safe").load((ROOT / "docker-compose.spark-ui.yml").read_text(encoding="utf-8"))
    assert "SPARK_UI_PORT" not in SERVICES["stream-processor"]["environment"]
    assert override["services"] == {
        "stream-processor": {
            "environment": {"SPARK_UI_PORT": 4040},
            "ports": ["127.0.0.1:${STREAM_UI_PORT:-4040}:4040"],
        }
    }
    defaults = dict(
        line.split()
        for line in (ROOT / "spark" / "spark-defaults.conf").read_text("utf-8").splitlines()
        if line.startswith("spark.ui.")
    )
    assert defaults["spark.ui.enabled"] == defaults["spark.ui.killEnabled"] == "false"


@each_service
def test_mounted_path_exists_or_belongs_to_the_lake(name: str) -> None:
    for source, _, _ in _mounts(SERVICES[name]):
        if source.startswith("./data/delta"):
            assert (ROOT / "data/delta").is_dir()
        elif source.startswith("./"):
            assert (ROOT / source).exists()
        else:
            assert re.search(rf"^  {source}: {{}}$", COMPOSE_TEXT, re.MULTILINE)


@pytest.mark.parametrize("name", OUR_SERVICES)
def test_container_command_exists_and_takes_its_options(name: str) -> None:
    program, script, *options = OUR_SERVICES[name]["command"]
    assert program == "python"
    help_text = subprocess.run(
        [sys.executable, ROOT / script, "--help"], capture_output=True, text=True, check=True
    ).stdout
    assert all(option in help_text for option in options if option.startswith("--"))


def test_thrift_container_mounts_no_addresses_and_birth_dates() -> None:
    assert {(target, read_only) for _, target, read_only in _mounts(SERVICES["spark-thrift"])} == {
        ("/data/delta/gold", True),
        ("/data/delta/bronze/strava_activities", True),
        ("/run/thrift", False),
        ("/run/readers", True),
        ("/run/tls", True),
        ("/var/lib/access", False),
    }


def test_users_are_changed_in_the_pipeline_and_read_by_the_thrift_server() -> None:
    mounts = {
        name: [(target, read_only) for source, target, read_only in _mounts(service) if source == "thrift-users"]
        for name, service in SERVICES.items()
    }
    assert {name: found for name, found in mounts.items() if found} == {
        "pipeline": [("/run/readers", False)],
        "spark-thrift": [("/run/readers", True)],
    }
    for name in ("pipeline", "spark-thrift"):
        assert SERVICES[name]["environment"]["THRIFT_USERS_FILE"] == "/run/readers/users"


def test_thrift_server_knows_on_which_address_its_port_is_published() -> None:
    assert "\n      THRIFT_PUBLISH: ${THRIFT_PUBLISH:-127.0.0.1}\n" in COMPOSE_TEXT
    assert '"${THRIFT_PUBLISH:-127.0.0.1}:${THRIFT_PORT:-10000}:10000"' in COMPOSE_TEXT
    assert SERVICES["thrift-init"]["environment"].keys() >= {"THRIFT_CERTIFICATE"}


def test_owners_password_is_mounted_in_the_thrift_server_and_read_only_in_the_initialiser() -> None:
    mounts = {
        name: [(target, read_only) for source, target, read_only in _mounts(service) if source == "thrift-login"]
        for name, service in SERVICES.items()
    }
    assert {name: found for name, found in mounts.items() if found} == {
        "spark-thrift": [("/run/thrift", False)],
        "thrift-init": [("/run/thrift", True)],
    }
    for name in ("spark-thrift", "thrift-init"):
        assert SERVICES[name]["environment"]["THRIFT_OWNER_FILE"] == "/run/thrift/owner"


def test_journal_of_access_is_in_its_two_writers_and_its_view_names_its_folder() -> None:
    mounts = {
        name: [(target, read_only) for source, target, read_only in _mounts(service) if source == "access-journal"]
        for name, service in SERVICES.items()
    }
    writers = {"spark-thrift", "pipeline"}
    assert {name: found for name, found in mounts.items() if found} == {
        name: [("/var/lib/access", False)] for name in writers
    }
    for name in (*writers, "thrift-init"):
        assert SERVICES[name]["environment"]["ACCESS_JOURNAL_DIR"] == "/var/lib/access"


def test_pipeline_container_depends_on_the_logins_of_postgres_only() -> None:
    assert SERVICES["pipeline"]["depends_on"] == {"postgres-init": {"condition": "service_completed_successfully"}}
    assert SERVICES["postgres-init"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    assert SERVICES["postgres"]["depends_on"] == {"secrets": {"condition": "service_completed_successfully"}}
    assert "entrypoint" not in SERVICES["pipeline"]


def test_pipeline_container_can_read_hr_files_and_sample_files() -> None:
    app = "/app" / Settings.model_fields["input_dir"].default
    mounts = {target: (source, read_only) for source, target, read_only in _mounts(SERVICES["pipeline"])}
    assert mounts[str(app)] == ("./data/input", True)
    assert mounts["/app/data/sample"] == (f"./{SAMPLE_DIR.relative_to(ROOT)}", True)


@pytest.mark.parametrize(
    ("password", "services"),
    [
        ("DB_PASSWORD", {"postgres"}),
        ("DB_LOADER_PASSWORD", {"pipeline", "debezium-init", "refresh-watcher"}),
        ("DB_CAPTURE_PASSWORD", {"debezium"}),
        ("DB_WORKER_PASSWORD", {"stream-processor"}),
        ("DB_DISTANCE_PASSWORD", {"distance-worker"}),
        ("DB_NOTIFIER_PASSWORD", {"slack-notifier"}),
        ("DB_READER_PASSWORD", set()),
        ("CONNECT_PASSWORD", {"pipeline", "debezium-init", "refresh-watcher"}),
    ],
)
def test_password_is_in_a_volume_that_its_services_mount(password: str, services: set[str]) -> None:
    volume = password.lower().replace("_", "-")
    mounts = {
        name: [(target, read_only) for source, target, read_only in _mounts(service) if source == volume]
        for name, service in SERVICES.items()
    }
    folder = f"/run/secrets/{volume}"
    readers = services | ({"postgres-init"} if password.startswith("DB_") else set())
    assert {name: found for name, found in mounts.items() if found} == {
        "secrets": [(folder, False)],
        **{name: [(folder, True)] for name in readers},
    }
    for name, service in SERVICES.items():
        assert (password in service.get("environment", {})) == (name == "secrets"), name
    for name in readers & OUR_SERVICES.keys():
        assert SERVICES[name]["environment"][f"{password}_FILE"] == f"{folder}/value"
    assert f"\n      {password}: ${{{password}:-}}\n" in COMPOSE_TEXT


def test_each_password_of_compose_has_a_volume_that_the_one_shot_fills() -> None:
    volumes = {source for source, _, _ in _mounts(SERVICES["secrets"])}
    assert volumes == {name.replace("_", "-") for name in NAMES}
    assert {name.upper() for name in NAMES} <= SERVICES["secrets"]["environment"].keys()


def test_superuser_works_through_a_socket_and_nothing_that_runs_on_has_it() -> None:
    assert SERVICES["postgres"]["environment"]["POSTGRES_PASSWORD_FILE"] == "/run/secrets/db-password/value"
    mounts = {
        name: [(target, read_only) for source, target, read_only in _mounts(service) if source == "postgres-socket"]
        for name, service in SERVICES.items()
    }
    folder = SERVICES["postgres-init"]["environment"]["DB_HOST"]
    assert {name: found for name, found in mounts.items() if found} == {
        "postgres": [(folder, False)],
        "postgres-init": [(folder, False)],
    }
    assert SERVICES["pipeline"]["environment"]["DB_USER"] == LOADER_ROLE
    assert [name for name, service in OUR_SERVICES.items() if "DB_USER" in service["environment"]] == [
        *("postgres-init", "pipeline")
    ]


def test_thrift_server_shares_its_network_with_the_initialiser_alone() -> None:
    networks = {name: service.get("networks", service.get("network_mode")) for name, service in SERVICES.items()}
    assert {name for name, found in networks.items() if found == "none"} == ONE_SHOTS
    assert {name for name, found in networks.items() if found == ["readers"]} == {"spark-thrift", "thrift-init"}
    others = SERVICES.keys() - ONE_SHOTS - {"spark-thrift", "thrift-init"}
    assert {name for name, found in networks.items() if found == ["changes"]} == others


def test_kafka_and_connect_are_published_by_an_override_alone() -> None:
    assert {name: service.get("ports") for name, service in PUBLISHING.items()} == {
        "redpanda": ["127.0.0.1:${KAFKA_PORT:-19092}:19092"],
        "debezium": ["127.0.0.1:${CONNECT_PORT:-8083}:8083"],
    }


def test_connect_that_is_published_asks_for_its_password() -> None:
    override = PUBLISHING["debezium"]["environment"]
    assert override.keys().isdisjoint(SERVICES["debezium"]["environment"])
    assert override["KAFKA_OPTS"].split() == [
        "-Djava.security.auth.login.config=/run/connect-login.conf",
        "-Dconnect.login.file=/tmp/login.properties",
    ]
    assert override["CONNECT_REST_EXTENSION_CLASSES"] == worker_properties(Settings())["rest.extension.classes"]


def test_kafka_connect_settings_equal_those_of_local_mode() -> None:
    container = {
        CONNECT_PROPERTY_NAMES.get(name) or name.removeprefix("CONNECT_").lower().replace("_", "."): str(value)
        for name, value in SERVICES["debezium"]["environment"].items()
        if name not in JVM_VARIABLES
    }
    assert container.pop("log4j.loggers") == "INFO, stdout"
    assert JVM_VARIABLES.items() <= SERVICES["debezium"]["environment"].items()
    container |= {"key.converter": JSON, "value.converter": JSON}  # defaults of the image
    local = {name: str(value) for name, value in worker_properties(Settings()).items()}
    addresses = {"bootstrap.servers", "listeners", "rest.advertised.host.name"}
    assert container["bootstrap.servers"] == "redpanda:9092"
    addresses |= {"rest.extension.classes"}  # where Connect is published
    # Locally Connect finds the file by a relative path, which the provider does not compare with allowed ones.
    assert container.pop("config.providers.directory.param.allowed.paths") == "/run/secrets/db-capture-password"
    assert {k: v for k, v in container.items() if k not in addresses} == {
        k: v for k, v in local.items() if k not in addresses
    }


def test_redpanda_fsyncs_writes_and_does_not_auto_create_topics() -> None:
    command = SERVICES["redpanda"]["command"]
    assert "--unsafe-bypass-fsync=false" in command
    assert {"redpanda.write_caching_default=false", "redpanda.auto_create_topics_enabled=false"} <= set(command)
    assert not any("mode" in word for word in command)


def test_container_environment_variables_are_known_settings_in_their_ranges() -> None:
    known = {name.upper() for name in Settings.model_fields}
    assert {name for service in OUR_SERVICES.values() for name in service["environment"]} <= known
    for service in OUR_SERVICES.values():
        for name, value in service["environment"].items():
            check_value(name, Assignment("" if value is None else str(value), "docker-compose.yml"))


def test_health_check_over_http_passes_by_a_proxy_of_the_container() -> None:
    checks = [service["healthcheck"].get("test", []) for service in SERVICES.values()]
    words = [shlex.split(" ".join(check)) for check in checks]
    by_curl = [check for check in words if "curl" in check]
    assert by_curl
    assert all(check[check.index("--noproxy") + 1] == "*" for check in by_curl)


@pytest.mark.parametrize("password", ["aZ0-_", " b\\c", 'it\'s $x %s & "y" ;#'])
def test_connect_in_compose_reads_the_password_and_is_healthy_when_it_asks_for_one(
    tmp_path: Path, password: str
) -> None:
    """An answer of another code, or none, is not healthy."""
    shell, option, script = PUBLISHING["debezium"]["entrypoint"]
    for path in ("/run/secrets/connect-password", "/tmp/login", "/docker-entrypoint.sh"):  # noqa: S108
        script = script.replace(path, f"{tmp_path}/{Path(path).name}")
    (tmp_path / "connect-password").mkdir()
    (tmp_path / "docker-entrypoint.sh").write_text("#!/bin/sh\nexit 7\n", encoding="ascii")
    (tmp_path / "docker-entrypoint.sh").chmod(0o755)
    value = tmp_path / "connect-password" / "value"
    value.touch()
    assert subprocess.run([shell, option, script], check=False).returncode == 1, "it lets everybody in"
    value.write_text(password, encoding="utf-8")
    assert subprocess.run([shell, option, script], check=False).returncode == 7
    login = tmp_path / "login.properties"
    assert login.read_text("utf-8").removesuffix("\n") == properties.render({CONNECT_USER: password}).removesuffix("\n")
    assert login.stat().st_mode & 0o077 == 0
    assert SERVICES["debezium"]["healthcheck"]["test"][1].endswith("| grep -Eqx '200|401'")


def test_connects_passwords_are_mounted_one_by_one_and_read_only() -> None:
    capture, login = "/run/secrets/db-capture-password", "/run/connect-login.conf"
    assert {target: read_only for _, target, read_only in _mounts(SERVICES["debezium"])} == {capture: True}
    assert {target: read_only for _, target, read_only in _mounts(PUBLISHING["debezium"])} == {
        login: True,
        "/run/secrets/connect-password": True,
    }


def test_folder_of_the_checkout_is_in_no_mount_and_in_no_name() -> None:
    """A path with a blank or an accent would have to be quoted there; Compose resolves a relative one itself."""
    mounts = [source for service in SERVICES.values() for source, _, _ in _mounts(service)]
    assert mounts
    assert all(source.startswith("./") or re.fullmatch(r"[a-z-]+", source) for source in mounts)
    assert re.search(r"^name: [a-z-]+$", COMPOSE_TEXT, re.MULTILINE), "else it is the folder's, without its accents"
