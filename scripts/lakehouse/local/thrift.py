"""The Spark Thrift server: Gold's views for Power BI and beeline."""

import sys
from pathlib import Path

from lakehouse.errors import NotReady
from lakehouse.local.mount_namespace import View, find_obstacle, is_in_own_namespace, namespace_prefix
from lakehouse.local.secret_store import secret_path
from lakehouse.local.service import SPARK_SETTINGS, Service, job_command
from lakehouse.serving.client import query
from lakehouse.serving.server import READY_MARKER
from lakehouse.settings import ROOT, Settings

IN_NAMESPACE, GATE_ALONE = "mount namespace", "the gate alone"


def service(home: Path, settings: Settings) -> Service:
    """Return how the supervisor runs the Thrift server, whose catalog of views (Derby) is in home/thrift.

    Where the machine allows a mount namespace, it sees what it serves and runs on, and nothing else of ours.
    """
    folder = home / "thrift"
    prefix = () if find_exposure(home, settings) else namespace_prefix(thrift_view(home, settings))
    return Service(
        name="spark-thrift",
        # Temporary files of the other services would be seen in the common folder.
        command=(
            *prefix,
            *("env", f"JVM_TEMP_DIR={folder / 'tmp'}"),
            *job_command("thrift_server.py", "--catalog", str(folder)),
        ),
        settings=(
            *SPARK_SETTINGS,
            *("thrift_bind", "thrift_port", "thrift_owner_file", "thrift_users_file"),
            *("thrift_certificate", "thrift_certificate_password_file"),
            *("ldap_url", "ldap_user_dn", "ldap_base_dn", "ldap_role_rh", "ldap_role_direction"),
            *("access_journal_dir", "access_journal_days"),
        ),
        address=f"{settings.thrift_host}:{settings.thrift_port}",
        readiness=lambda: _check_readiness(settings),
        on_ready=(folder / READY_MARKER).touch,
        protection=lambda pid: describe_protection(home, settings, pid),
    )


def thrift_view(home: Path, settings: Settings) -> View:
    """Return what the server sees of a local lake, of the checkout and of `home`.

    Folders are visible as wholes, such as that of the users' file. Of a table or a file that is written again, the
    server would go on seeing the old one.
    """
    lake = Path(settings.lake)
    # A Java of the settings may be a wrapper of the stack's own.
    javas = (home / "java", *([settings.java_home] if settings.java_home else []))
    pythons = (Path(sys.prefix), Path(sys.base_prefix), ROOT / "scripts")
    password = secret_path(home / "run" / "secrets", "thrift_certificate_password")
    files = (settings.thrift_certificate, settings.thrift_certificate_password_file, password)
    return View(
        hidden=(ROOT, home, lake),
        read=(
            *(lake / "gold", lake / "bronze" / "strava_activities"),
            *(*pythons, *javas, settings.jars_dir, ROOT / "spark", settings.tuning_dir),
        ),
        write=(
            *(settings.access_journal_dir, settings.thrift_owner_file.parent, settings.thrift_users_file.parent),
            home / "thrift",
        ),
        files=tuple(file for file in files if file),
    )


def find_exposure(home: Path, settings: Settings) -> str:
    """Return why the server has no view of its own on any machine, in few words; an empty text where it has one."""
    if "://" in settings.lake:
        return "the lake is on an object store"
    hidden = (ROOT / ".env", home / "run" / "secrets", home / "postgres", Path(settings.lake) / "silver")
    for path in thrift_view(home, settings).visible:
        if any(one.is_relative_to(path) for one in hidden):
            return f"{path}, which it needs, is not its alone"
    return ""


def describe_protection(home: Path, settings: Settings, pid: int) -> str:
    """Return what keeps the running server from the rest of the lake: its namespace and the gate, or the gate alone."""
    if is_in_own_namespace(pid):
        return IN_NAMESPACE
    return f"{GATE_ALONE} ({find_exposure(home, settings) or find_obstacle() or 'started without a namespace'})"


def _check_readiness(settings: Settings) -> str | None:
    try:
        query(settings, "SELECT 1", as_owner=True)
    except NotReady as error:
        return f"the Thrift server to answer ({error})"
    return None
