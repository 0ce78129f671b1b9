"""Law: a stack depends on its folder and its settings only, not on the checkout's files or another stack."""

import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from supervisor.options import ServerOptions

from lakehouse.errors import BadInput, NotReady
from lakehouse.local import kafka, service_addresses, supervisor
from lakehouse.local.service import Service
from lakehouse.local.services import services
from lakehouse.local.stack import Stack
from lakehouse.local.startup import check_readiness, start_services
from lakehouse.local.supervisor import Process, Supervisor, count_recent_exits
from lakehouse.private_file import write_private_file
from lakehouse.retries import MAX_RESTARTS
from lakehouse.settings import Settings


class _RestartingSupervisor(Supervisor):
    """A supervisor whose service has exited and is about to be restarted."""

    def __init__(self) -> None:
        self.states = ["EXITED", "STARTING", "RUNNING"]

    def processes(self) -> dict[str, Process]:
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        return {"restarting": Process("restarting", state, None, -9)}

    def start_program(self, name: str) -> None:
        raise AssertionError(f"supervisord is starting {name} itself")

    def recent_restarts(self, name: str) -> int:  # noqa: ARG002
        return 1


class _DyingSupervisor(Supervisor):
    """A supervisor whose service runs for a while, exits, and is started again."""

    def __init__(self) -> None:
        self.process_states = [("STOPPED", None), ("RUNNING", 1), ("EXITED", None), ("RUNNING", 2)]

    def processes(self) -> dict[str, Process]:
        state, pid = self.process_states.pop(0) if len(self.process_states) > 1 else self.process_states[0]
        return {"dying": Process("dying", state, pid, 255)}

    def start_program(self, name: str) -> None:
        pass


PRINT_SETTING = "from lakehouse.settings import Settings; print(Settings().{})"


def _settings(**values: Any) -> Settings:
    return Settings(_env_file=None, **values)  # type: ignore[call-arg]


def _read_setting_in_child(settings: Settings, name: str, **environment: str) -> str:
    command = [sys.executable, "-c", PRINT_SETTING.format(name)]
    variables = service_addresses.environment(settings) | environment
    completed = subprocess.run(command, env=variables, capture_output=True, text=True, check=True)
    return completed.stdout.strip()


def test_container_address_is_rewritten_to_localhost() -> None:
    here = service_addresses.with_local_addresses(
        _settings(kafka_bootstrap_servers="redpanda:9092", db_host="postgres-sport")
    )
    assert here.kafka_bootstrap_servers == "127.0.0.1:19092"
    assert here.db_host == "127.0.0.1"


def test_command_outside_containers_uses_the_published_redpanda_port() -> None:
    assert _settings(kafka_bootstrap_servers="redpanda:9092").kafka_bootstrap_servers == "localhost:19092"
    assert _settings(kafka_bootstrap_servers="redpanda:9092", kafka_port=1).kafka_bootstrap_servers == "localhost:1"
    inside = _read_setting_in_child(_settings(), "kafka_bootstrap_servers", KAFKA_BOOTSTRAP_SERVERS="redpanda:9092")
    assert inside == "redpanda:9092"


def test_custom_localhost_port_is_unchanged() -> None:
    here = service_addresses.with_local_addresses(
        _settings(kafka_bootstrap_servers="localhost:29092", connect_url="http://localhost:1")
    )
    assert here.kafka_bootstrap_servers == "127.0.0.1:29092"
    assert here.connect_url == "http://127.0.0.1:1"


def test_child_process_gets_the_settings_of_its_stack_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_WEBHOOK_URL", "http://127.0.0.1:9/real")
    monkeypatch.setenv("DB_PORT", "1")
    settings = service_addresses.on_free_ports(tmp_path)
    assert _read_setting_in_child(settings, "slack_webhook_url") == "None"
    assert _read_setting_in_child(settings, "db_port") == str(settings.db_port) != "1"
    assert _read_setting_in_child(settings, "lake") == str(tmp_path / "lake")


def test_free_ports_are_distinct_and_below_the_ephemeral_range(tmp_path: Path) -> None:
    numbers = service_addresses.free_ports(20)
    assert len(set(numbers)) == 20
    assert max(numbers) < 32_768, "an outgoing connection may get the port before the service listens"
    assert Stack.on_free_ports(tmp_path / "a").settings.db_port != 5432


def test_supervisord_gets_no_port_on_which_a_service_will_listen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = service_addresses.on_free_ports(tmp_path)
    first = [settings.thrift_port, settings.db_port, settings.kafka_controller_port]
    addresses = [service_addresses.port_of(text) for text in (settings.kafka_bootstrap_servers, settings.connect_url)]
    [other] = service_addresses.free_ports(1, reserved=[*first, *addresses])
    monkeypatch.setattr(service_addresses, "sample", lambda *_: [*first, *addresses, other])
    assert service_addresses.free_port_for_supervisord(settings) == other


def test_an_unknown_service_is_an_error_that_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"no such service: kafak\.\n.*kafka"):
        Stack.on_free_ports(tmp_path).up("kafak")


def test_service_that_supervisord_is_restarting_is_not_started_again(tmp_path: Path) -> None:
    printed: list[str] = []
    start_services([Service("restarting", ("true",))], _RestartingSupervisor(), tmp_path, printed.append)
    assert len(printed) == 1


def test_service_that_exits_before_it_is_ready_is_an_error_with_its_last_lines(tmp_path: Path) -> None:
    (tmp_path / "dying.log").write_text("Starting\nError: the port is taken\n\tat main(Main.java)\n", encoding="utf-8")
    dying = Service("dying", ("false",), readiness=lambda: "it to answer")
    with pytest.raises(NotReady, match=r"it ended while it was starting.*ends with:\n  Starting\n  Error: the port is"):
        start_services([dying], _DyingSupervisor(), tmp_path, print)


class _CrashLoopingSupervisor(Supervisor):
    """A supervisor whose service runs whenever somebody looks, after having ended four times in the last minute."""

    def __init__(self) -> None:
        self.restarts = MAX_RESTARTS + 1

    def processes(self) -> dict[str, Process]:
        return {"looping": Process("looping", "RUNNING", 1, 1)}

    def recent_restarts(self, name: str) -> int:  # noqa: ARG002
        return self.restarts


def test_service_that_was_restarted_more_than_three_times_in_a_minute_is_not_ready() -> None:
    supervisor = _CrashLoopingSupervisor()
    looping = Service("looping", ("false",))
    assert "it ended 4 times in the last minute" in str(check_readiness(looping, supervisor))
    supervisor.restarts = MAX_RESTARTS
    assert check_readiness(looping, supervisor) is None


def test_exits_of_the_last_minute_are_counted_from_the_log_of_supervisord() -> None:
    now = 1_790_000_000.0

    def line(seconds_ago: float, text: str) -> str:
        return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now - seconds_ago)) + f",123 {text}\n"

    died = "WARN exited: slack-notifier (exit status 1; not expected)"
    other = "INFO exited: table-init (exit status 0; expected)"
    stopped = "INFO stopped: slack-notifier (terminated by SIGTERM)"
    log = line(90, died) + line(50, died) + line(40, other) + line(30, stopped) + line(2, died)
    assert count_recent_exits(log, "slack-notifier", now) == 2
    assert count_recent_exits("", "slack-notifier", now) == 0


def test_a_stack_that_was_never_started_is_down(tmp_path: Path) -> None:
    stack = Stack.on_free_ports(tmp_path)
    stack.down()
    assert {service.state for service in stack.status()} == {"STOPPED"}


def test_services_listen_on_localhost_only(tmp_path: Path) -> None:
    stack = Stack.on_free_ports(tmp_path)
    listeners = kafka.server_properties(stack.settings, tmp_path)["listeners"]
    assert [part.split("//")[1].split(":")[0] for part in str(listeners).split(",")] == ["127.0.0.1", "127.0.0.1"]
    [postgres] = [service for service in services(stack.home, stack.settings) if service.name == "postgres"]
    assert "listen_addresses=127.0.0.1" in postgres.command


def test_supervisord_config_preserves_quotes_and_percent_signs(tmp_path: Path) -> None:
    command = (sys.executable, "-c", "a 'b' 100%", str(tmp_path / "with space"))
    config = tmp_path / "supervisord.conf"
    config.write_text(supervisor.render([Service("one", command)], tmp_path, tmp_path, 1, "secret"), encoding="utf-8")
    options = ServerOptions()
    options.realize(["-c", str(config), "-n"])
    [group] = options.process_group_configs
    [process] = group.process_configs
    assert tuple(shlex.split(process.command)) == command


def test_supervisord_password_file_is_private(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    write_private_file(path, "secret")
    assert path.stat().st_mode & 0o077 == 0


def _watcher(home: Path, **values: Any) -> Service:
    (home / "run").mkdir(exist_ok=True)
    settings = service_addresses.on_free_ports(home).model_copy(update=values)
    [watcher] = [service for service in services(home, settings) if service.name == "refresh-watcher"]
    return watcher


def test_watcher_starts_by_itself_only_where_an_interval_is_set(tmp_path: Path) -> None:
    assert _watcher(tmp_path).optional
    assert not _watcher(tmp_path, refresh_interval="2min").optional


@pytest.mark.parametrize("folder", ["plain", "été 2026", 'it\'s "quoted" $x'])
def test_watcher_gets_the_interval_of_the_last_start_and_is_outdated_with_another_one(
    tmp_path: Path, folder: str
) -> None:
    home = tmp_path / folder
    home.mkdir()
    watcher = _watcher(home, refresh_interval="2min")
    assert watcher.is_outdated()
    watcher.prepare()
    assert not watcher.is_outdated()
    shell, option, script, interval_file, *_, last = watcher.command
    command = [shell, option, script, interval_file, "printf", "%s|", last]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "--watch|2min|"
    other = _watcher(home, refresh_interval="30s")
    assert (other.command, other.is_outdated()) == (watcher.command, True)
