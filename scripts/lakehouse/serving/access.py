"""Who reaches the Thrift server and how it knows them: its address, its certificate, its users and its directory."""

from pathlib import Path

from lakehouse.errors import UsageError
from lakehouse.private_file import write_private_file
from lakehouse.serving.user_file import read_users
from lakehouse.settings import Settings
from lakehouse.variables import is_loopback

CERTIFICATE_PASSWORD = "certificate-password"  # noqa: S105 - a file's name, in the folder of the catalog
CERTIFICATE_HINT = "docs/access.md makes a certificate in four commands."


def check_access(settings: Settings) -> None:
    """Raise UsageError where other machines could read without a login or in clear, or where a setting is missing."""
    users = read_users(settings.thrift_users_file)
    # In a container the server listens everywhere, and compose publishes the port on an address of the machine.
    name, address = (
        ("THRIFT_PUBLISH", settings.thrift_publish)
        if settings.thrift_publish
        else ("THRIFT_BIND", settings.thrift_bind)
    )
    missing = [*([] if users else ["a user"]), *([] if settings.thrift_certificate else ["THRIFT_CERTIFICATE"])]
    if not is_loopback(address) and missing:
        raise UsageError(
            f"{name} opens salaries to other machines, which needs a user and a certificate. "
            f"Missing: {' and '.join(missing)}.\n"
            f"Leave {name} out, or run `make user NAME=marie ROLE=rh` and set THRIFT_CERTIFICATE: {CERTIFICATE_HINT}"
        )
    _check_certificate(settings)
    if settings.ldap_url and not (settings.ldap_user_dn and (settings.ldap_role_rh or settings.ldap_role_direction)):
        raise UsageError(
            "LDAP_URL needs LDAP_USER_DN, and LDAP_ROLE_RH or LDAP_ROLE_DIRECTION: without a group nobody has a role.\n"
            "Set them, or leave LDAP_URL out."
        )


def prepare_access(settings: Settings, folder: Path) -> dict[str, object]:
    """Return the server's configuration of all this; the certificate's password is in a private file of the folder."""
    conf: dict[str, object] = {"spark.lakehouse.users.file": settings.thrift_users_file}
    if settings.thrift_certificate:
        password_file = folder / CERTIFICATE_PASSWORD
        write_private_file(password_file, read_certificate_password(settings))
        conf |= {
            "spark.lakehouse.certificate": settings.thrift_certificate,
            "spark.lakehouse.certificate.password.file": password_file,
            "spark.lakehouse.certificate.pem": settings.thrift_certificate_pem,
        }
    if settings.ldap_url:
        conf |= {
            "spark.lakehouse.ldap.url": settings.ldap_url,
            "spark.lakehouse.ldap.user.dn": settings.ldap_user_dn,
            "spark.lakehouse.ldap.base.dn": settings.ldap_base_dn or "",
            "spark.lakehouse.ldap.role.rh": settings.ldap_role_rh or "",
            "spark.lakehouse.ldap.role.direction": settings.ldap_role_direction or "",
        }
    return conf


def read_certificate_password(settings: Settings) -> str:
    """Return the password of the certificate's file. Raises UsageError where none is named, or it cannot be read."""
    if settings.thrift_certificate_password:
        return settings.thrift_certificate_password.get_secret_value()
    try:
        if settings.thrift_certificate_password_file:
            return settings.thrift_certificate_password_file.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, ValueError) as error:
        raise UsageError(
            f"THRIFT_CERTIFICATE_PASSWORD_FILE cannot be read ({type(error).__name__}).\nName a text file."
        ) from None
    raise UsageError(
        "THRIFT_CERTIFICATE needs its password.\nSet THRIFT_CERTIFICATE_PASSWORD_FILE, or THRIFT_CERTIFICATE_PASSWORD."
    )


def _check_certificate(settings: Settings) -> None:
    if settings.thrift_certificate is None:
        return
    if not settings.thrift_certificate.is_file():
        raise UsageError(f"THRIFT_CERTIFICATE names no file.\n{CERTIFICATE_HINT}")
    read_certificate_password(settings)
