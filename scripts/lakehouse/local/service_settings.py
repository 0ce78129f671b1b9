"""The environment of each service: the settings that it declares, what every program needs, and nothing else."""

from collections.abc import Mapping
from pathlib import Path

from lakehouse.environment import UTF8_LOCALE, without_foreign
from lakehouse.errors import HOME_VAR
from lakehouse.local.secret_store import OPTIONAL_SECRETS, secret_path
from lakehouse.local.service import Service
from lakehouse.local.service_addresses import own_variables, to_variables
from lakehouse.settings import Settings

# Of the environment of `make up`: programs, people, language, clock, proxies, certificates, and what is ours.
MACHINE_NAMES = frozenset(
    {"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ"}
    | {"PYTHONPATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE"}
    | {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"}
    | {"SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"}
)
MACHINE_PREFIXES = ("LC_", "LD_", "DYLD_", "LAKEHOUSE_")
# The credentials of an object store: only for services that open the lake.
STORE_PREFIXES = ("AWS_", "AZURE_", "GOOGLE_APPLICATION_CREDENTIALS")
LAKE_SETTING = "lake_uri"


def service_environment(
    service: Service, settings: Settings, home: Path, inherited: Mapping[str, str]
) -> dict[str, str]:
    """Return the environment of a service of the stack in `home`; a secret reaches it as the file that has it."""
    prefixes = (*MACHINE_PREFIXES, *(STORE_PREFIXES if LAKE_SETTING in service.settings else ()))
    machine = {
        name: value
        for name, value in without_foreign(inherited).items()
        if name.upper() in MACHINE_NAMES or name.startswith(prefixes)
    }
    with_files = settings.model_copy(update=_secret_files(settings, home / "run" / "secrets"))
    declared = to_variables(with_files, service.settings)
    return machine | declared | own_variables(settings) | UTF8_LOCALE | {HOME_VAR: str(home)}


def _secret_files(settings: Settings, folder: Path) -> dict[str, Path]:
    """Return the file of each optional secret that is named, by the setting that has its path."""
    return {f"{name}_file": secret_path(folder, name) for name in OPTIONAL_SECRETS if getattr(settings, name)}
