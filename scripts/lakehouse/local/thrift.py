"""The Spark Thrift server: Gold's views for Power BI and beeline."""

from pathlib import Path

from lakehouse.errors import NotReady
from lakehouse.local.service import SPARK_SETTINGS, Service, job_command
from lakehouse.serving.client import query
from lakehouse.serving.server import READY_MARKER
from lakehouse.settings import Settings


def service(home: Path, settings: Settings) -> Service:
    """Return how the supervisor runs the Thrift server, whose catalog of views (Derby) is in home/thrift."""
    folder = home / "thrift"
    return Service(
        name="spark-thrift",
        command=job_command("thrift_server.py", "--catalog", str(folder)),
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
    )


def _check_readiness(settings: Settings) -> str | None:
    try:
        query(settings, "SELECT 1", as_owner=True)
    except NotReady as error:
        return f"the Thrift server to answer ({error})"
    return None
