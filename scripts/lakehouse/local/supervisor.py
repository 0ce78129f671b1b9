"""Supervisord: one per stack, controlled over XML-RPC on a port of 127.0.0.1, with a password per start."""

import configparser
import io
import json
import os
import re
import secrets
import shlex
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any
from xml.parsers.expat import ExpatError

from supervisor.xmlrpc import Faults

from lakehouse.local.service import Service
from lakehouse.local.service_addresses import LOCALHOST
from lakehouse.private_file import PRIVATE_UMASK, write_private_file
from lakehouse.retries import RESTART_WINDOW_S, wait_until

# ValueError and ExpatError: another program may have the port of a supervisord that ended long ago.
UNREACHABLE_ERRORS = (OSError, HTTPException, xmlrpc.client.Error, ValueError, ExpatError)
# Supervisord writes such a line, in local time, for each end of a program that it was not told to stop.
EXIT_LINE = re.compile(r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d),\d+ \w+ exited: (\S+) \(", re.MULTILINE)
LOG_TAIL_BYTES = 40_000  # the exits of a minute, of all programs


@dataclass(frozen=True)
class Process:
    """A supervised child process, as supervisord reports it."""

    name: str
    state: str
    pid: int | None
    exit_code: int

    def is_stopped(self, oneshot: bool) -> bool:
        """Return whether it stays stopped: supervisord restarts an exited program at once, unless it is a `oneshot`."""
        return self.state in {"STOPPED", "FATAL"} or (oneshot and self.state == "EXITED" and self.exit_code == 0)


def render(
    services: Iterable[Service],
    run: Path,
    logs: Path,
    port: int,
    password: str,
    unset: Mapping[str, Collection[str]] | None = None,
) -> str:
    """Return supervisord's configuration: no program starts by itself, and a started one is restarted when it exits.

    `unset` has by service the names of supervisord's environment that are not for it.
    Supervisord runs in the folder `run`, and so do its programs.
    """
    ini = configparser.RawConfigParser()
    logs_here = os.path.relpath(logs, run)
    ini["supervisord"] = {
        "logfile": f"{logs_here}/supervisord.log",
        "pidfile": "supervisord.pid",
        "childlogdir": logs_here,
        "umask": f"{PRIVATE_UMASK:03o}",  # its own default, 022, would be that of all services
        **({"user": "root"} if os.geteuid() == 0 else {}),
    }
    ini["inet_http_server"] = {"port": f"{LOCALHOST}:{port}", "username": "local", "password": password}
    ini["rpcinterface:supervisor"] = {
        "supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"
    }
    for service in services:
        ini[f"program:{service.name}"] = _program(service, logs_here, (unset or {}).get(service.name, ()))
    text = io.StringIO()
    ini.write(text)
    return text.getvalue()


def _program(service: Service, logs_here: str, unset: Collection[str]) -> dict[str, str]:
    group = "true" if service.stop_group else "false"
    # By their names: each user of the machine sees a command line, and `environment=` cannot have every value.
    prefix = ("env", *(word for name in sorted(unset) for word in ("-u", name))) if unset else ()
    return {
        "command": _escape(shlex.join((*prefix, *service.command))),
        "autostart": "false",
        "autorestart": "unexpected" if service.oneshot else "true",
        "startsecs": "0" if service.oneshot else "1",
        "startretries": "20",
        "stopsignal": service.stop_signal,
        "stopwaitsecs": "10",
        "stopasgroup": group,
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": f"{logs_here}/{service.name}.log",
        "stdout_logfile_maxbytes": "10MB",
        "stdout_logfile_backups": "2",
    }


def _escape(command: str) -> str:
    """Return the command without what the configuration has another meaning for: `%`, and `;` or `#` after a blank.

    A word with a blank stands in single quotes, which are closed and opened again between the two characters.
    """
    return re.sub(r"(?<=\s)(?=[;#])", "''", command).replace("%", "%%")


class Supervisor:
    """The supervisord of a stack, whether it runs or not."""

    def __init__(self, run: Path, logs: Path) -> None:
        self._run, self._logs = run, logs
        self._address = run / "supervisor.json"

    def is_running(self) -> bool:
        """Return whether our own supervisord answers; that of another stack does not know our password."""
        try:
            return bool(self._call("getState")["statename"] == "RUNNING")
        except UNREACHABLE_ERRORS:
            return False

    def start(self, services: Iterable[Service], environments: Mapping[str, Mapping[str, str]], port: int) -> None:
        """Start supervisord on a port, in the background; `environments` has that of each service, by its name."""
        for folder in (self._run, self._logs):
            folder.mkdir(parents=True, exist_ok=True)
        password = secrets.token_urlsafe(24)
        config = self._run / "supervisord.conf"
        environment = {name: value for one in environments.values() for name, value in one.items()}
        unset = {name: environment.keys() - own.keys() for name, own in environments.items()}
        write_private_file(config, render(services, self._run, self._logs, port, password, unset))
        write_private_file(self._address, json.dumps({"url": f"http://local:{password}@{LOCALHOST}:{port}/RPC2"}))
        command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(config)]
        # In a session of its own: Ctrl-C at the terminal is for us, who stop it in its turn.
        subprocess.run(command, env=environment, cwd=self._run, check=True, start_new_session=True)
        wait_until(self.is_running, timeout=15, missing=f"supervisord to answer; see {self._logs}/supervisord.log")

    def shutdown(self) -> None:
        """Stop supervisord and every program that it still runs."""
        pid = self._call("getPID")
        self._call("shutdown")
        wait_until(lambda: not _is_alive(pid), timeout=15, missing="supervisord to end")
        self._address.unlink()

    def start_program(self, name: str) -> None:
        """Start a program, without waiting for it."""
        self._call("startProcess", name, False)

    def stop_program(self, name: str) -> None:
        """Ask a program to stop, without waiting for it; one that has just died is left to be restarted."""
        try:
            self._call("stopProcess", name, False)
        except xmlrpc.client.Fault as fault:
            if fault.faultCode != Faults.NOT_RUNNING:
                raise

    def processes(self) -> dict[str, Process]:
        """Return every program by its name."""
        infos: list[dict[str, Any]] = self._call("getAllProcessInfo")
        return {
            info["name"]: Process(info["name"], info["statename"], info["pid"] or None, info["exitstatus"])
            for info in infos
        }

    def recent_restarts(self, name: str) -> int:
        """Return how often a program that should run has ended by itself in the last RESTART_WINDOW_S seconds."""
        return count_recent_exits(self._call("readLog", -LOG_TAIL_BYTES, 0), name, time.time())

    def _call(self, method: str, *arguments: object) -> Any:
        url = json.loads(self._address.read_text(encoding="utf-8"))["url"]
        with xmlrpc.client.ServerProxy(url) as server:
            return getattr(server.supervisor, method)(*arguments)


def count_recent_exits(log: str, name: str, now: float) -> int:
    """Return how many exits of a program supervisord's log has in the last RESTART_WINDOW_S seconds before `now`."""
    exits = [at for at, program in EXIT_LINE.findall(log) if program == name]
    return sum(now - time.mktime(time.strptime(at, "%Y-%m-%d %H:%M:%S")) <= RESTART_WINDOW_S for at in exits)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
